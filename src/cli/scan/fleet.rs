//! A scan on many machines: targets into a queue, and the worker that takes them out, asks them, and delivers.

mod enqueue;
mod job;
mod parcel;
mod work;

pub(super) use enqueue::enqueue;
pub(in crate::cli) use work::{WorkOptions, work};
