//! Bar charts as templates draw them: rows with a share, and the words a screen reader is told.

use serde::Serialize;

/// One chart: bars of whole numbers.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Chart {
    /// For ids on the page.
    pub(super) id: &'static str,
    /// What it shows.
    pub(super) title: &'static str,
    /// The heads of the table beside it.
    pub(super) head: (&'static str, &'static str),
    pub(super) rows: Vec<Bar>,
    pub(super) total: usize,
}

/// One bar.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Bar {
    pub(super) label: String,
    /// Its class in the stylesheet; empty for a plain one.
    pub(super) css: &'static str,
    /// The list it stands for; empty where there is none.
    pub(super) path: String,
    pub(super) count: usize,
    /// Length in percent of the longest one.
    pub(super) percent: usize,
    /// Share of all, `12.3`.
    pub(super) share: String,
}

impl Chart {
    /// A chart of labelled counts; each with its colour and its list.
    pub(super) fn new(
        (id, title): (&'static str, &'static str),
        head: (&'static str, &'static str),
        rows: impl IntoIterator<Item = (String, &'static str, String, usize)>,
    ) -> Self {
        let rows: Vec<_> = rows.into_iter().collect();
        let most = rows.iter().map(|row| row.3).max().unwrap_or(0).max(1);
        let total: usize = rows.iter().map(|row| row.3).sum();
        let bar = |(label, css, path, count): (String, &'static str, String, usize)| Bar {
            label,
            css,
            path,
            count,
            percent: if count == 0 { 0 } else { (count * 100 / most).max(1) },
            share: share(count, total),
        };
        Self { id, title, head, rows: rows.into_iter().map(bar).collect(), total }
    }
}

impl Chart {
    /// The same with shares of another whole: where one thing can be in several rows.
    pub(super) fn of(self, total: usize) -> Self {
        let rows = self.rows.into_iter().map(|row| Bar { share: share(row.count, total), ..row }).collect();
        Self { rows, total, ..self }
    }
}

/// A share in percent with one decimal; what is there is never 0.0, and what is not all never 100.0.
pub(super) fn share(count: usize, total: usize) -> String {
    if count == 0 || total == 0 {
        return "0.0".to_owned();
    }
    let tenths = (count * 2_000 / total).div_ceil(2).clamp(1, if count < total { 999 } else { 1_000 });
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_and_never_deny_what_is_there() {
        for (count, total, text) in [
            (0, 0, "0.0"),
            (0, 9, "0.0"),
            (1, 1_000_000, "0.1"),
            (1, 3, "33.3"),
            (2, 3, "66.7"),
            (999_999, 1_000_000, "99.9"),
            (9, 9, "100.0"),
            (1, 8, "12.5"),
        ] {
            assert_eq!(share(count, total), text, "{count} of {total}");
        }
    }
}
