//! The work queue of a fleet, in PostgreSQL: the five operations of `store/queue` for workers on many machines, and what
//! its keeper does with it.
//!
//! A worker's role may run four functions of the database and touch no table ([`worker`]): whoever takes a worker over holds
//! the releases that it claimed, and nothing else. Filling it ([`jobs`]), watching it ([`standing`]), reading its results
//! ([`results`]) and making it ([`schema`]) are for its owner. A result is a [`delivery`]: foreign text, believed only
//! after it was checked. The statements lie in `queue/migrations`; `docs/FLEET.md` is for people. Called by `cli`.

pub mod address;
pub mod delivery;
mod error;
pub mod jobs;
mod link;
pub mod results;
pub mod schema;
pub mod standing;
mod tls;
pub mod worker;

pub use address::{QueueAddress, TypedAddress};
pub use error::QueueError;
pub use link::Link;
