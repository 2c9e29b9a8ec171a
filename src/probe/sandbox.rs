//! The only place that starts processes.

pub mod trusted;
