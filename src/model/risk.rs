//! The arithmetic of risk: what follows from a class and its signals, by the table in `rules/README.md`.
//!
//! The classifier uses it for its verdicts, corrections for what a person did not state. The view `tools_probed` says
//! the same in SQL; a test holds both together.

use super::verdict::{Class, Risk, Signal};

impl Signal {
    /// The least risk of a tool that has this signal.
    pub fn floor(self) -> Option<Risk> {
        match self {
            Signal::ArbitraryCode => Some(Risk::Critical),
            Signal::Financial | Signal::AccessControl | Signal::Secrets | Signal::DescriptionInjection => {
                Some(Risk::High)
            }
            Signal::PersonalData
            | Signal::Filesystem
            | Signal::NetworkEgress
            | Signal::UntrustedContent
            | Signal::OutboundMessage => Some(Risk::Medium),
            Signal::Bulk | Signal::Production | Signal::Reversible | Signal::AnnotationMismatch => None,
        }
    }
}

impl Risk {
    /// The class's base, then the floors, then the steps, within low to critical.
    pub fn of<'a>(class: Class, signals: impl IntoIterator<Item = &'a Signal> + Clone) -> Risk {
        let base = match class {
            Class::Read => Risk::Low,
            Class::Write => Risk::Medium,
            Class::Execute => Risk::High,
            Class::Destructive => Risk::Critical,
        };
        let floored = signals.clone().into_iter().filter_map(|s| s.floor()).fold(base, Risk::max);
        let has = |signal: Signal| i32::from(signals.clone().into_iter().any(|s| *s == signal));
        let up = i32::from(class > Class::Read) * has(Signal::Bulk)
            + i32::from(class == Class::Write) * has(Signal::Production);
        let down = i32::from(class == Class::Destructive) * has(Signal::Reversible);
        let steps = Risk::ALL.iter().position(|r| *r == floored).unwrap_or(0) as i32 + up - down;
        let at = usize::try_from(steps.clamp(0, 3)).unwrap_or(0);
        let stepped = Risk::ALL.get(at).copied().unwrap_or(Risk::Critical);
        // Reversible never takes a Destructive below high.
        if class == Class::Destructive { stepped.max(Risk::High) } else { stepped }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn risk_is_the_rubrics_table() {
        use Signal::*;
        for (class, signals, expected) in [
            (Class::Read, vec![], Risk::Low),
            (Class::Read, vec![Secrets], Risk::High),
            (Class::Read, vec![Bulk], Risk::Low),
            (Class::Read, vec![UntrustedContent], Risk::Medium),
            (Class::Write, vec![], Risk::Medium),
            (Class::Write, vec![Bulk], Risk::High),
            (Class::Write, vec![Bulk, Production], Risk::Critical),
            (Class::Write, vec![AccessControl, Production], Risk::Critical),
            (Class::Execute, vec![Production], Risk::High),
            (Class::Execute, vec![ArbitraryCode], Risk::Critical),
            (Class::Execute, vec![Bulk], Risk::Critical),
            (Class::Destructive, vec![], Risk::Critical),
            (Class::Destructive, vec![Reversible], Risk::High),
            (Class::Destructive, vec![Reversible, Bulk], Risk::Critical),
            (Class::Write, vec![Reversible], Risk::Medium),
            (Class::Write, vec![AnnotationMismatch], Risk::Medium),
            (Class::Read, vec![DescriptionInjection], Risk::High),
        ] {
            assert_eq!(Risk::of(class, &signals), expected, "{class} {signals:?}");
        }
    }
}
