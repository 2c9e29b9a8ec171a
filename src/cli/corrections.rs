//! Corrections at work: every command that shows or stores verdicts opens its database here, so that those of
//! `data/overrides.toml` count, and says here which of them no longer speak.

pub(super) mod file;

use std::path::Path;

use super::scan::report::counted;
use super::settings::Settings;
use crate::model::Untrusted;
use crate::progress;
use crate::store::{Connection, Override, Store, StoreError, overlay_overrides, overrides_expired};

/// The corrections' place in the data files.
const FILE: &str = "overrides.toml";
/// Expired corrections that are named.
const NAMED: usize = 5;

/// Opens the database for writing; the table of corrections is in step with the file then.
pub(super) fn open(settings: &Settings) -> anyhow::Result<Store> {
    let listed = listed(settings)?;
    let mut store = Store::open(&settings.db)?;
    store.list_overrides(&listed)?;
    Ok(store)
}

/// Opens the database for reading; it looks as if [`open`] had been there before, and nothing is written.
pub(super) fn open_read_only(settings: &Settings) -> anyhow::Result<Connection> {
    let listed = listed(settings)?;
    let db = Store::open_read_only(&settings.db)?;
    overlay_overrides(&db, &listed)?;
    Ok(db)
}

/// What `data/overrides.toml` holds; a data folder without it holds none.
fn listed(settings: &Settings) -> anyhow::Result<Vec<Override>> {
    let data = settings.data_files()?;
    let Some(bytes) = data.get(FILE) else { return Ok(Vec::new()) };
    Ok(file::parse(bytes, &Path::new("data").join(FILE))?)
}

/// Says on standard error which corrections have expired: their tools are defined differently now.
pub(super) fn say_expired(db: &Connection) -> Result<(), StoreError> {
    let expired: Vec<Override> =
        overrides_expired(db, None, None)?.into_iter().filter(|e| !e.gone).map(|e| e.said).collect();
    if !expired.is_empty() {
        progress::say(&expired_line(&expired));
    }
    Ok(())
}

fn expired_line(expired: &[Override]) -> String {
    let name = |said: &Override| {
        format!(
            "{} {}",
            Untrusted::new(said.server.to_string()).for_terminal(120),
            Untrusted::new(said.tool.as_str()).for_terminal(80)
        )
    };
    let mut names: Vec<String> = expired.iter().take(NAMED).map(name).collect();
    if expired.len() > NAMED {
        names.push(format!("and {} more", expired.len() - NAMED));
    }
    let (verb, tools) = if expired.len() == 1 { ("has", "the tool is") } else { ("have", "the tools are") };
    format!(
        "warning: {} {verb} expired, {tools} defined differently now: {}; catalogue review lists them first",
        counted(expired.len(), "correction"),
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(tool: &str) -> Override {
        let text = format!(
            "[[override]]\nserver = \"npm:a\"\ntool = {tool:?}\ndefinition = \"{}\"\nclass = \"read\"\nwho = \"x\"\nwhy = \"y\"\nmade_at = \"2026-03-01T12:00:00Z\"\n",
            "0".repeat(64)
        );
        file::parse(text.as_bytes(), Path::new("t.toml")).unwrap().remove(0)
    }

    #[test]
    fn the_line_names_a_few_and_counts_the_rest() {
        assert_eq!(
            expired_line(&[said("b")]),
            "warning: 1 correction has expired, the tool is defined differently now: npm:a b; catalogue review lists them first"
        );
        let many: Vec<Override> = (0..9).map(|n| said(&format!("t{n}"))).collect();
        let line = expired_line(&many);
        assert!(line.contains("9 corrections have") && line.contains("npm:a t4, and 4 more;"), "{line}");
    }

    #[test]
    fn the_file_that_comes_with_the_program_is_well_formed() {
        let data = crate::assets::Folder::Data.files(None).unwrap();
        let entries = file::parse(&data[FILE], Path::new(FILE)).unwrap();
        let written = file::write(&entries).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&data[FILE]),
            written,
            "it is as catalogue review export writes it"
        );
    }
}
