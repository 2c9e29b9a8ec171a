//! x

mod exports;
mod rules;
