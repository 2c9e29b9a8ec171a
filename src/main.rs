//! The program. Everything it does is in the library; here only the hidden helper is told from the rest, and memory comes from an
//! allocator that makes judging a tenth cheaper than the system's (docs/PERFORMANCE.md).

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    catalogue::cli::main()
}
