//! This program once more in its own place, told in another way: for what must not stand on a command line.

use std::io;

/// Replaces this process by the same program with these arguments and variables added. Returns only if that fails.
pub fn start_again(args: &[String], env: &[(&str, &str)]) -> io::Error {
    use std::os::unix::process::CommandExt;
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return error,
    };
    #[expect(clippy::disallowed_methods, reason = "probe/sandbox is the place that starts processes")]
    let mut command = std::process::Command::new(program);
    command.args(args).envs(env.iter().copied()).exec()
}
