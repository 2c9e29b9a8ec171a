//! Everything that starts the program or speaks over loopback, as one binary.

#![expect(clippy::unwrap_used, reason = "a step of a test that fails is a test that fails")]

mod net;
