//! What is printed once for each kind and used again, on every thread.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, RwLock};

use foldhash::fast::RandomState;

use super::RenderError;

/// Most stencils of one sort: more than there are kinds of tools.
const MOST: usize = 2_048;

/// What was printed for each kind.
#[derive(Debug)]
pub(super) struct Stencils<K, V>(RwLock<HashMap<K, Arc<V>, RandomState>>);

impl<K, V> Default for Stencils<K, V> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Eq + Hash, V> Stencils<K, V> {
    /// The one of that kind; made if it is not there.
    ///
    /// # Errors
    /// What `make` ends with.
    pub(super) fn get(
        &self,
        kind: K,
        make: impl FnOnce() -> Result<V, RenderError>,
    ) -> Result<Arc<V>, RenderError> {
        const HELD: &str = "no thread panics while it holds the stencils";
        if let Some(known) = self.0.read().expect(HELD).get(&kind) {
            return Ok(Arc::clone(known));
        }
        let made = Arc::new(make()?);
        let mut all = self.0.write().expect(HELD);
        if all.len() < MOST {
            all.insert(kind, Arc::clone(&made));
        }
        Ok(made)
    }
}
