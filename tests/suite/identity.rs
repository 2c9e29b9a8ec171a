//! Who is who: hand-labelled records over loopback, the rules of joining, look-alikes, copies, and what a page shows of it.

mod labelled;
mod page;
mod rules;
