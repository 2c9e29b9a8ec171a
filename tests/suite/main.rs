//! Everything that runs the program or reads the repository as a whole. One binary.

mod architecture;
mod docs;
mod licences;
mod sample;
mod store;
