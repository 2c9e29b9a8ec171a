//! Buffers that are used again: a page's text and the rows of its sheet grow to the same size for each page, and a thread makes one
//! page after another.

use std::cell::RefCell;

use super::sheet::Rows;

/// Buffers that a thread keeps: some pages are held before they are written (see `fresh`).
const MOST: usize = 32;
/// A larger text is given back: most pages are not so long, and what holds some of them would hold their room.
const LARGEST_TEXT: usize = 1 << 17;
/// The same of rows.
const LARGEST: usize = 1 << 20;

thread_local! {
    static TEXTS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static ROWS: RefCell<Vec<Rows>> = const { RefCell::new(Vec::new()) };
}

/// An empty text with room for so many bytes, if there is one the one that was used last. One that is too small is left: what grows is
/// copied with all the room that it had.
pub(in crate::render) fn text(room: usize) -> String {
    TEXTS.with_borrow_mut(|texts| match texts.iter().rposition(|text| text.capacity() >= room) {
        Some(at) => texts.remove(at),
        None => {
            texts.pop();
            String::with_capacity(room)
        }
    })
}

/// Keeps a page's text for the next page, when it is written.
pub(in crate::render) fn keep_text(mut text: String) {
    text.clear();
    TEXTS.with_borrow_mut(|texts| {
        if texts.len() < MOST && text.capacity() <= LARGEST_TEXT {
            texts.push(text);
        }
    });
}

/// Empty rows.
pub(super) fn rows() -> Rows {
    ROWS.with_borrow_mut(Vec::pop).unwrap_or_else(Rows::roomy)
}

/// Keeps the rows of a sheet that was used.
pub(super) fn keep_rows(mut rows: Rows) {
    rows.clear();
    ROWS.with_borrow_mut(|all| {
        if all.len() < MOST && (1..=LARGEST).contains(&rows.size()) {
            all.push(rows);
        }
    });
}
