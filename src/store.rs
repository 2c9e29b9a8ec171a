//! store

pub mod site;
