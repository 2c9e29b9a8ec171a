//! Which targets may be held at the same time by one scanner.

use tokio::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Targets run side by side, but one that must run alone is the only one its scanner holds: nothing is claimed while it
/// waits and runs. Two such targets that waited for each other under leases would die in company time after time, and neither
/// would ever be set aside.
#[derive(Debug, Default)]
pub(super) struct Company {
    door: Mutex<()>,
    inside: RwLock<()>,
}

/// Whoever has this may claim a target, and nobody else of this process meanwhile.
pub(super) type Door<'a> = MutexGuard<'a, ()>;

impl Company {
    /// Waits until it is one's turn to claim.
    pub(super) async fn door(&self) -> Door<'_> {
        self.door.lock().await
    }

    /// Beside others, once they are let in: the next one may claim.
    pub(super) async fn beside(&self, door: Door<'_>) -> RwLockReadGuard<'_, ()> {
        let inside = self.inside.read().await;
        drop(door);
        inside
    }

    /// Once all others are done. The door stays closed for as long as the caller keeps it.
    pub(super) async fn alone(&self, _door: &Door<'_>) -> RwLockWriteGuard<'_, ()> {
        self.inside.write().await
    }
}
