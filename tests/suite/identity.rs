//! Who is who: hand-labelled records over loopback, the rules of joining, provenance, look-alikes, copies, typed packages, and what a page shows of it.

mod labelled;
mod page;
mod proofs;
mod rules;
mod typed;
