//! What a work queue hands out, whichever database it is in: a target under a lease, and how often its scanner died.

/// So many deaths of its scanner without progress in between, and a target is set aside as `quarantined`.
pub const QUARANTINE_DEATHS: u32 = 3;

/// So many deaths of its scanner beside others, and a target runs alone.
pub const SUSPICIOUS_DEATHS: u32 = 2;

/// A target that was handed to a worker. Whoever holds the value holds the lease: `attempt` and `token` are asked for with
/// everything that is done to it, so that a worker whose lease was lost can do nothing, not even to its own next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The target, as it was enqueued.
    pub key: String,
    /// Which delivery of the target this is, ever.
    pub attempt: u32,
    /// Made up at random for this delivery.
    pub token: String,
    /// How often a scanner died with it alone and without progress in between; see [`QUARANTINE_DEATHS`].
    pub deaths: u32,
    /// How often a scanner died with it and others. Nobody knows whose doing that was.
    pub company_deaths: u32,
}

impl Claim {
    /// True if it should run with nothing beside it, so that one more death is certainly its own: a death alone was
    /// counted, or deaths in company are too many to be chance.
    pub fn should_run_alone(&self) -> bool {
        self.deaths > 0 || self.company_deaths >= SUSPICIOUS_DEATHS
    }

    /// True if the target is to be set aside and not started again.
    pub fn is_to_be_quarantined(&self) -> bool {
        self.deaths >= QUARANTINE_DEATHS
    }
}
