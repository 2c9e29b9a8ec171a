//! An open catalogue of what every MCP tool can do: enumerate, probe, classify, store, recommend, render.
//!
//! One direction: a stage takes [`model`] types and returns [`model`] types; only [`cli`] knows two stages at once.
//! `docs/ARCHITECTURE.md` has the map; `tests/suite/architecture.rs` keeps it true.

pub mod assets;
pub mod attack;
pub mod classify;
pub mod cli;
pub mod clients;
pub mod config;
pub mod eval;
pub mod export;
pub mod http;
pub mod identity;
pub mod model;
pub mod policy;
pub mod probe;
pub mod progress;
pub mod queue;
pub mod render;
pub mod selftest;
pub mod sources;
pub mod store;
