//! What `catalogue.toml` says.

pub mod limits;
