//! Pages of a new server, which are held for a while before they are written (see `fresh`).

use std::sync::atomic::Ordering;

use super::{Entry, OpenUnit, Output};
use crate::render::RenderError;
use crate::render::digest::Digest;
use crate::render::plate::keep_text;

impl Output {
    /// Puts one page in its place, as [`Output::put`] does; that of a new server at the latest when its unit is closed.
    ///
    /// # Errors
    /// As [`Output::put`].
    pub(in crate::render) fn put_text(
        &self,
        unit: &OpenUnit,
        path: &str,
        inputs: Digest,
        text: String,
    ) -> Result<bool, RenderError> {
        // Compressed copies are made of what is there.
        if let Some((fresh, inner)) = unit.fresh.as_ref().and_then(|fresh| Some((fresh, fresh.inner(path)?)))
            && self.compression.copies(path).is_empty()
        {
            self.note(unit, path, Entry { inputs: Some(inputs), bytes: text.len() as u64 })?;
            fresh.hold(inner, text, &self.journal)?;
            self.changed.fetch_add(1, Ordering::Relaxed);
            return Ok(true);
        }
        let changed = self.put(unit, path, Some(inputs), text.as_bytes())?;
        keep_text(text);
        Ok(changed)
    }
}
