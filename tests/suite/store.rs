//! The database as its users meet it: through the public functions, and through the file itself.

mod corrections;
mod killed;
mod merge;
mod opening;
mod probing;
mod queue;
mod verdicts;
mod views;
