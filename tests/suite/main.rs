//! Everything that runs the program or reads the repository as a whole. One binary.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on stops where it stands, a skipped one says so"
)]

mod adversity;
mod architecture;
mod classify;
mod classify_properties;
mod clients_config;
mod declared;
mod docs;
mod eval;
mod exports;
mod exports_cases;
mod exports_cli;
mod exports_decisions;
mod exports_refused;
mod exports_rego;
mod exports_targets;
mod github_fake;
mod github_servers;
mod hostile;
mod identity;
mod licences;
mod login;
mod net;
mod private;
mod purl_conformance;
mod review;
mod rules;
mod sample;
mod scan;
mod site;
mod sources_docker;
mod sources_fake;
mod sources_github;
mod sources_mcp;
mod sources_npm;
mod sources_oci;
mod sources_pypi;
mod sources_store;
mod ssrf_guard;
mod store;
mod ways_out;
