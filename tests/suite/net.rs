//! The HTTP client, the registries and the remote transport against made-up servers on loopback.

mod client;
mod fake;
mod registry;
mod remote;
