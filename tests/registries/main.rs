//! What needs the package registries: run by name (`cargo test --test registries`), skips and says so without them.

#![expect(clippy::unwrap_used, reason = "a step of a test that fails is a test that fails")]
#![expect(clippy::print_stdout, reason = "says what was skipped, and the times that were measured")]

mod awslabs;
mod devpi;
mod github;
mod local;
mod net;
mod pypiserver;
mod scan;
mod verdaccio;
