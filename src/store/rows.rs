//! Reading columns back into model types. A value this version does not know is an error, never a default.

use std::str::FromStr;

use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::Type;
use serde::de::DeserializeOwned;

/// A text, where it is.
pub(super) fn text<'r>(row: &'r Row<'_>, column: &str) -> rusqlite::Result<&'r str> {
    row.get_ref(column)?.as_str().map_err(|e| unreadable(column, &e.to_string()))
}

/// The same where the column may be NULL.
fn maybe_text<'r>(row: &'r Row<'_>, column: &str) -> rusqlite::Result<Option<&'r str>> {
    row.get_ref(column)?.as_str_or_null().map_err(|e| unreadable(column, &e.to_string()))
}

/// A closed word, a time or a key.
pub(super) fn word<T>(row: &Row<'_>, column: &str) -> rusqlite::Result<T>
where
    T: FromStr,
    T::Err: ToString,
{
    text(row, column)?.parse().map_err(|e: T::Err| unreadable(column, &e.to_string()))
}

/// The same where the column may be NULL.
pub(super) fn maybe_word<T>(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<T>>
where
    T: FromStr,
    T::Err: ToString,
{
    match maybe_text(row, column)? {
        None => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|e: T::Err| unreadable(column, &e.to_string())),
    }
}

/// A column that holds JSON.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text(row, column)?).map_err(|e| unreadable(column, &e.to_string()))
}

/// The same where the column may be NULL.
pub(super) fn maybe_json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<T>> {
    let text = maybe_text(row, column)?;
    text.map(|text| serde_json::from_str(text).map_err(|e| unreadable(column, &e.to_string()))).transpose()
}

/// A time.
pub(super) fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    word(row, column)
}

fn unreadable(column: &str, why: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, format!("column {column}: {why}").into())
}
