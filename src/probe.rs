//! Asking one release what it offers: its toolchain, its install, its start in a sandbox, and the protocol.

pub mod attempt;
pub mod climb;
pub mod http_transport;
pub mod install;
pub mod link;
pub mod local;
pub mod mcp;
pub mod plan;
pub mod registry;
pub mod remote;
pub mod runner;
pub mod sandbox;
pub mod stand_ins;
pub mod toolchain;
pub mod wire;
