//! Reads TOML as a tree that knows where its parts stand.

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::super::{Finding, Level};
use super::{Key, Kind, Node};
use crate::model::text::line_and_column;

/// Reads TOML; a key that comes twice is an error of TOML itself.
pub(in crate::export) fn from_toml(text: &str) -> Result<Node, Finding> {
    let places = Places { text, starts: line_starts(text) };
    match DeTable::parse(text) {
        Ok(table) => Ok(Node { line: 1, column: 1, kind: places.table(table.get_ref()) }),
        Err(error) => {
            let (line, column) = line_and_column(text, error.span().map_or(0, |s| s.start));
            let message = error.message().lines().next().unwrap_or_default();
            Err(Finding {
                level: Level::Error,
                path: String::new(),
                line: Some(line),
                column: Some(column),
                message: format!("cannot be read as TOML: {message}"),
            })
        }
    }
}

fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect()
}

struct Places<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl Places<'_> {
    fn at(&self, offset: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let before = self.text.get(start..offset).map_or(0, |t| t.chars().count());
        (line, before + 1)
    }

    /// In the order of the file: a table of tables has its rules in it.
    fn table(&self, table: &DeTable<'_>) -> Kind {
        let mut entries: Vec<(Key, Node, usize)> = table
            .iter()
            .map(|(key, value): (&Spanned<DeString<'_>>, _)| {
                let (line, column) = self.at(key.span().start);
                let text = key.get_ref().to_string();
                (Key { text, line, column }, self.node(value), key.span().start)
            })
            .collect();
        entries.sort_by_key(|(_, _, at)| *at);
        Kind::Map(entries.into_iter().map(|(key, node, _)| (key, node)).collect())
    }

    fn node(&self, value: &Spanned<DeValue<'_>>) -> Node {
        let (line, column) = self.at(value.span().start);
        let kind = match value.get_ref() {
            DeValue::String(text) => Kind::Text(text.to_string()),
            DeValue::Integer(number) => {
                Kind::Number(number.as_str().replace('_', "").parse().unwrap_or(f64::NAN))
            }
            DeValue::Float(number) => {
                Kind::Number(number.as_str().replace('_', "").parse().unwrap_or(f64::NAN))
            }
            DeValue::Boolean(value) => Kind::Bool(*value),
            DeValue::Datetime(time) => Kind::Text(time.to_string()),
            DeValue::Array(items) => Kind::List(items.iter().map(|item| self.node(item)).collect()),
            DeValue::Table(table) => self.table(table),
        };
        Node { line, column, kind }
    }
}
