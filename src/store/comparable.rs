//! The catalogue as lines that two databases can be compared by: every row in a total order, without what is by nature of one run.
//!
//! Two runs over the same servers by `--clock fixed:TIME`, on one machine or by a fleet, give the same lines, whatever was stored first
//! or asked twice. [`COMPARED`] says what is shown, [`LEFT_OUT`] what is not and why; a test holds both against the database's shape.

mod tables;

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::StoreError;
pub use tables::{COMPARED, LEFT_OUT};

/// A table as it is compared.
#[derive(Debug, Clone, Copy)]
pub struct Compared {
    /// Its name, the first member of each of its lines.
    pub table: &'static str,
    /// Its rows, all columns in the order.
    pub query: &'static str,
}

/// A column that is not compared.
#[derive(Debug, Clone, Copy)]
pub struct LeftOut {
    /// Its table.
    pub table: &'static str,
    /// The column; `*` for the whole table.
    pub column: &'static str,
    /// Why.
    pub why: &'static str,
}

/// One row, as a JSON object: its table, then its columns in the order of the query.
#[derive(Debug)]
pub struct ComparedRow<'a> {
    table: &'static str,
    columns: &'a [String],
    row: &'a rusqlite::Row<'a>,
}

impl Serialize for ComparedRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.columns.len() + 1))?;
        map.serialize_entry("table", self.table)?;
        for (at, column) in self.columns.iter().enumerate() {
            match self.row.get_ref(at).map_err(serde::ser::Error::custom)? {
                ValueRef::Null => map.serialize_entry(column, &())?,
                ValueRef::Integer(number) => map.serialize_entry(column, &number)?,
                ValueRef::Real(number) => map.serialize_entry(column, &number)?,
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => match std::str::from_utf8(bytes) {
                    Ok(text) => map.serialize_entry(column, text)?,
                    Err(_) => map.serialize_entry(column, &[hex::encode(bytes)])?,
                },
            }
        }
        map.end()
    }
}

/// Hands every row to `take`, table by table, one at a time, at one snapshot. Texts are foreign.
///
/// # Errors
/// `E` from [`StoreError`], or what `take` says, which ends it.
pub fn compare<E: From<StoreError>>(
    connection: &Connection,
    mut take: impl FnMut(&ComparedRow<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let refused = |error| E::from(StoreError::from_sql(connection, error));
    let snapshot = connection.unchecked_transaction().map_err(refused)?;
    for Compared { table, query } in COMPARED {
        let mut statement = snapshot.prepare(query).map_err(refused)?;
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut rows = statement.query([]).map_err(refused)?;
        while let Some(row) = rows.next().map_err(refused)? {
            take(&ComparedRow { table, columns: &columns, row })?;
        }
    }
    snapshot.finish().map_err(refused)
}
