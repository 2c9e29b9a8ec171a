//! What the documents on a tool's page do with it, in short: two tools for which that is the same get the same sections but for names
//! and the rules on their arguments.

use super::control::{can_limit, limited, shown};
use crate::export::EffectiveRule;
use crate::policy::{Tier, ToolPolicy};

/// Most formats on a page; there are six.
const MOST_SHOWN: usize = 8;

/// What each format that pages show does with a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Effects {
    /// By format and tier.
    of: [Option<[EffectiveRule; 3]>; MOST_SHOWN],
    /// A bit for each format that could count its calls.
    can_limit: u8,
}

impl Effects {
    /// Of a tool in each tier, the strictest first.
    pub(super) fn of(tools: [&ToolPolicy; 3]) -> Self {
        let [strict, ..] = tools;
        let limited = limited(strict);
        let mut all = Self::default();
        assert!(shown().len() <= MOST_SHOWN, "there is room for every format on pages");
        for (i, (effects, exporter)) in all.of.iter_mut().zip(shown()).enumerate() {
            let mut tiers = Tier::ALL.iter();
            *effects =
                Some(tools.map(|tool| {
                    exporter.effective_in(tool, *tiers.next().expect("there are as many tiers"))
                }));
            all.can_limit |= u8::from(can_limit(exporter, &limited)) << i;
        }
        all
    }
}
