//! What needs the package registries: run by name (`cargo test --test registries`), skips and says so without them.

mod net;
