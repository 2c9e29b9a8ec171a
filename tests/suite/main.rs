//! Everything that runs the program or reads the repository as a whole. One binary.

mod sample;
mod store;
