//! The site as its readers meet it: the Nu HTML checker, axe and Lighthouse in a real browser, pictures of every kind of page.
//!
//! A named target: `cargo test --test pages`. A made-up catalogue is built (`PAGES_SERVERS`, default 60 servers) and one server of
//! awkward tools is really asked. Both are served as `catalogue serve` does. Pictures lie in `target/tmp/pages` and are meant to be
//! looked at. Needs npm, Node, a Java and Chromium; skips, saying so, what it has no program for.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on stops where it stands, a skipped one says so"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "the checker and the browser are programs, and they are started here"
)]

mod behaviour;
mod check;
mod declared;
mod kinds;
mod lighthouse;
mod markup;
mod search;
mod sight;
mod site;
mod sizes;
mod structured;
mod tools;
