//! Asking one release what it offers: its toolchain, its install, its start in a sandbox, and the protocol.

pub mod http_transport;
pub mod link;
pub mod registry;
pub mod sandbox;
pub mod toolchain;
