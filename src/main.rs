//! The program. Everything it does is in the library; here only the hidden helper is told from the rest.

use std::process::ExitCode;

fn main() -> ExitCode {
    catalogue::cli::main()
}
