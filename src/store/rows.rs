//! Reading columns back into model types. A value this version does not know is an error, never a default.

use std::str::FromStr;

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Row, RowIndex};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A column by its name; or by its place, with the name for messages: where many rows are read, looking each name up costs more than
/// reading what is there.
pub(super) trait Column: Copy {
    /// What the row is asked by.
    fn index(self) -> impl RowIndex;
    /// What messages call it.
    fn name(&self) -> &str;
}

impl Column for &str {
    fn index(self) -> impl RowIndex {
        self
    }

    fn name(&self) -> &str {
        self
    }
}

impl Column for (usize, &str) {
    fn index(self) -> impl RowIndex {
        self.0
    }

    fn name(&self) -> &str {
        self.1
    }
}

/// A text, where it is.
pub(super) fn text<'r>(row: &'r Row<'_>, column: impl Column) -> rusqlite::Result<&'r str> {
    row.get_ref(column.index())?.as_str().map_err(|e| unreadable(column.name(), &e.to_string()))
}

/// The same where the column may be NULL.
pub(super) fn maybe_text<'r>(row: &'r Row<'_>, column: impl Column) -> rusqlite::Result<Option<&'r str>> {
    row.get_ref(column.index())?.as_str_or_null().map_err(|e| unreadable(column.name(), &e.to_string()))
}

/// A closed word, a time or a key.
pub(super) fn word<T>(row: &Row<'_>, column: impl Column) -> rusqlite::Result<T>
where
    T: FromStr,
    T::Err: ToString,
{
    read_word(column.name(), text(row, column)?)
}

/// What was taken from such a column before.
pub(super) fn read_word<T>(column: &str, text: &str) -> rusqlite::Result<T>
where
    T: FromStr,
    T::Err: ToString,
{
    text.parse().map_err(|e: T::Err| unreadable(column, &e.to_string()))
}

/// The same where the column may be NULL.
pub(super) fn maybe_word<T>(row: &Row<'_>, column: impl Column) -> rusqlite::Result<Option<T>>
where
    T: FromStr,
    T::Err: ToString,
{
    match maybe_text(row, column)? {
        None => Ok(None),
        Some(text) => read_word(column.name(), text).map(Some),
    }
}

/// A column that holds JSON.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: impl Column) -> rusqlite::Result<T> {
    read_json(column.name(), text(row, column)?)
}

/// What was taken from such a column before.
pub(super) fn read_json<'a, T: Deserialize<'a>>(column: &str, text: &'a str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|e| unreadable(column, &e.to_string()))
}

/// The same where the column may be NULL.
pub(super) fn maybe_json<T: DeserializeOwned>(
    row: &Row<'_>,
    column: impl Column,
) -> rusqlite::Result<Option<T>> {
    let text = maybe_text(row, column)?;
    text.map(|text| serde_json::from_str(text).map_err(|e| unreadable(column.name(), &e.to_string())))
        .transpose()
}

/// A time.
pub(super) fn time(row: &Row<'_>, column: impl Column) -> rusqlite::Result<Timestamp> {
    word(row, column)
}

fn unreadable(column: &str, why: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, format!("column {column}: {why}").into())
}
