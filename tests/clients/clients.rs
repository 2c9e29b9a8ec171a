//! The four clients that can be run from start to end, and what each must do with our policies.

mod start;

use super::drive::{Mode, calls_of, trial};
use super::packages;
use start::*;

#[test]
fn probe() {
    for (client, package) in [
        (&CLAUDE_CODE, packages::CLAUDE_CODE),
        (&CODEX, packages::CODEX),
        (&COPILOT, packages::COPILOT),
        (&OPENCODE, packages::OPENCODE),
    ] {
        if let Ok(only) = std::env::var("ONLY")
            && only != client.format
        {
            continue;
        }
        let Some(program) = package.get() else { continue };
        let begun = std::time::Instant::now();
        let seen = trial(client, &program, None, Mode::Plain, &[]);
        println!("{} {:?} offered {}", client.format, begun.elapsed(), seen.offered.len());
        for (m, c) in &seen.offered {
            println!("  {:?} {:?} {:?}", m.key(), m.name(), c);
        }
        if seen.offered.is_empty() { println!("{}", seen.said); }
        let calls = calls_of(&seen.offered);
        let begun = std::time::Instant::now();
        let seen = trial(client, &program, None, Mode::Bypass, &calls);
        println!("{} {:?} bypass arrived {} of {}", client.format, begun.elapsed(), seen.arrived.len(), calls.len());
        println!("{}", seen.said.chars().take(1500).collect::<String>());
    }
}
