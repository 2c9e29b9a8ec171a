//! The program. Everything it does is in the library; here only the hidden helper is told from the rest.

use std::process::ExitCode;

/// Pages are made of millions of small texts; with the system's allocator a fifth of a build went into it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    catalogue::cli::main()
}
