//! Everything in one file, where it is asked for: the database without what is private, and the list of tools for spreadsheets.

use std::io::{BufWriter, Write};

use jiff::Timestamp;

use super::page::absolute;
use super::site_work::Common;
use super::write::OpenUnit;
use super::{BuildOptions, RenderError};
use crate::model::Untrusted;
use crate::model::text::is_unprintable;
use crate::store::{Connection, write_public_copy};

/// Where they lie.
const DATABASE: &str = "download/catalogue.db";
const TOOLS: &str = "download/tools.csv";
const LICENCE: &str = "download/LICENCE.txt";

/// The folder in which they are written before they are put there.
const UNDER_WAY: &str = ".catalogue-download";

const LICENCE_TEXT: &str = "\
What is in these files, and what may be done with it.

Class, risk, signals, reasons, outcomes and everything else that this catalogue itself says: Apache License 2.0 or MIT licence,
at your choice, like the program that made it.

Names, titles, descriptions and schemas of tools and servers are their authors'. They are quoted as the servers gave them to
anyone who asked, to say what a verdict rests on; each server's own licence, where its package states one, stands beside it.

Private servers, logs, commands and settings of the machine that asked are not in these files.
";

/// A site for its owner is no place to publish from.
pub(super) fn is_wanted(options: &BuildOptions) -> bool {
    options.download && !options.audience.sees_private()
}

/// Puts the files, if the options ask for them.
///
/// # Errors
/// The database cannot be read or copied, or a file not written.
pub(super) fn put(
    db: &Connection,
    common: Common<'_>,
    unit: &OpenUnit,
    as_of: Option<Timestamp>,
) -> Result<(), RenderError> {
    let options = common.press.options;
    let (true, Some(as_of)) = (is_wanted(options), as_of) else { return Ok(()) };
    // On the same disk as the place they go to. What a build that was ended left there is no use to anyone.
    let folder = options.out.join(UNDER_WAY);
    clear(&folder)?;
    fs_err::create_dir_all(&folder)?;
    if let Some(source) = db.path() {
        let copy = folder.join("catalogue.db");
        write_public_copy(std::path::Path::new(source), &copy, as_of, options.as_of)?;
        common.press.big_file(unit, DATABASE, &copy)?;
    }
    let table = folder.join("tools.csv");
    write_table(common, &table)?;
    common.press.big_file(unit, TOOLS, &table)?;
    clear(&folder)?;
    common.press.file(unit, LICENCE, LICENCE_TEXT.as_bytes())
}

fn clear(folder: &std::path::Path) -> std::io::Result<()> {
    match fs_err::remove_dir_all(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// RFC 4180, by server and in the order of their lists.
fn write_table(common: Common<'_>, to: &std::path::Path) -> Result<(), RenderError> {
    let (catalogue, base) = (common.catalogue, common.press.options.base_url.as_ref());
    let mut file = BufWriter::new(std::fs::File::create(to)?);
    write!(file, "server,version,tool,class,risk,signals,page\r\n")?;
    for entry in &catalogue.servers {
        for tool in catalogue.tools_of(entry) {
            let signals: Vec<&str> = tool.signals().map(crate::model::Signal::as_str).collect();
            let path = catalogue.tool_path(tool);
            let cells = [
                entry.key_text(),
                entry.version.clone(),
                catalogue.name_of(tool).to_owned(),
                tool.class.to_string(),
                tool.risk.to_string(),
                signals.join(" "),
                base.map_or(path.clone(), |base| absolute(base, &path)),
            ];
            let row: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
            write!(file, "{}\r\n", row.join(","))?;
        }
    }
    Ok(file.flush()?)
}

/// A cell that a spreadsheet takes for text: one that begins like a formula gets an apostrophe, what cannot be seen is left out.
fn quoted(cell: &str) -> String {
    let cell = if cell.chars().any(is_unprintable) {
        Untrusted::new(cell).for_page_line(2_000)
    } else {
        cell.to_owned()
    };
    let formula = cell.starts_with(['=', '+', '-', '@', '\'']);
    let mark = if formula { "'" } else { "" };
    format!("\"{mark}{}\"", cell.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_or_ends_early() {
        assert_eq!(quoted("=1+1"), "\"'=1+1\"");
        assert_eq!(quoted("a\"b,c"), "\"a\"\"b,c\"");
        assert_eq!(quoted("x\u{202e}y\nz"), "\"xy z\"");
        assert_eq!(quoted("@a/b"), "\"'@a/b\"");
    }
}
