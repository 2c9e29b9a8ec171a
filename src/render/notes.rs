//! Notes: dated texts written by hand (`site/content/notes/*.md`, TOML between `+++` lines first), their list newest first, a list for each
//! tag, and a feed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::RenderError;
use super::changes::urn;
use super::kinds::{MadeFrom, Make, PageKind};
use super::page::{absolute, folder, root_from};
use super::prose::html_of;
use super::site_work::WholeWork;
use super::words::{Day, day};
use crate::model::slug::slug;

const FOLDER: &str = "content/notes/";
const INDEX_PATH: &str = "notes/index.html";

/// One note.
pub(super) const KIND: PageKind = PageKind {
    id: "note",
    path: "notes/{note}.html",
    templates: &["note.html"],
    made_from: MadeFrom::Files,
    counts: false,
    make: Make::Whole(pages),
};
/// All of them.
pub(super) const INDEX: PageKind = PageKind {
    id: "notes",
    path: INDEX_PATH,
    templates: &["notes.html"],
    made_from: MadeFrom::Files,
    counts: false,
    make: Make::Whole(index),
};
/// Those of one tag.
pub(super) const TAG: PageKind = PageKind {
    id: "note-tag",
    path: "notes/tags/{tag}.html",
    templates: &["notes.html"],
    made_from: MadeFrom::Files,
    counts: false,
    make: Make::Whole(tags),
};
/// The feed. Source: RFC 4287.
pub(super) const FEED: PageKind = PageKind {
    id: "notes-feed",
    path: "notes.atom",
    templates: &["notes.xml"],
    made_from: MadeFrom::Files,
    counts: false,
    make: Make::Whole(feed),
};

/// What stands before a note.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Front {
    title: String,
    date: String,
    summary: String,
    tags: Vec<String>,
}

/// A note in a list.
#[derive(Debug, Clone, Serialize)]
struct NoteLine {
    id: String,
    path: String,
    title: String,
    summary: String,
    date: Day,
    tags: Vec<TagLine>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct TagLine {
    word: String,
    path: String,
}

struct Note {
    line: NoteLine,
    text: String,
}

#[derive(Serialize)]
struct NoteView {
    note: NoteLine,
    /// HTML of our own Markdown.
    body: String,
    json_ld: String,
}

#[derive(Serialize)]
struct NotesView {
    notes: Vec<NoteLine>,
    tags: BTreeSet<TagLine>,
    /// The tag that all of them have; None where all are listed.
    tag: Option<TagLine>,
}

#[derive(Serialize)]
struct FeedView {
    id: String,
    /// The site's address with a slash behind it; empty where none was given.
    base: String,
    updated: String,
    notes: Vec<NoteLine>,
}

/// A note's text and what stands before it.
fn read(name: &str, text: &str) -> Result<Note, &'static str> {
    let front = text.strip_prefix("+++\n").and_then(|rest| rest.split_once("\n+++\n"));
    let (front, text) = front.ok_or("does not begin with TOML between +++ lines")?;
    let Front { title, date, summary, tags } =
        toml::from_str(front).map_err(|_| "needs title, date, summary and tags, and nothing else")?;
    let time = format!("{date}T00:00:00Z").parse().map_err(|_| "has a date that is none")?;
    let tag = |word: String| TagLine { path: format!("notes/tags/{}.html", slug(&word)), word };
    let line = NoteLine {
        id: urn(&("note", name)),
        path: format!("notes/{name}.html"),
        title,
        summary,
        date: day(time),
        tags: tags.into_iter().map(tag).collect(),
    };
    Ok(Note { line, text: text.to_owned() })
}

/// Every note, newest first.
fn notes(files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<Note>, RenderError> {
    let mut all = Vec::new();
    for (file, bytes) in folder(files, FOLDER) {
        let Some(name) = file.strip_suffix(".md") else { continue };
        let broken = |why| RenderError::Note { name: format!("site/{FOLDER}{file}"), why };
        let text = std::str::from_utf8(bytes).map_err(|_| broken("is not UTF-8"))?;
        all.push(read(name, text).map_err(broken)?);
    }
    all.sort_by(|a, b| (&b.line.date.iso, &a.line.path).cmp(&(&a.line.date.iso, &b.line.path)));
    Ok(all)
}

fn lines(work: &WholeWork<'_>) -> Result<Vec<NoteLine>, RenderError> {
    Ok(notes(&work.common.press.options.site)?.into_iter().map(|note| note.line).collect())
}

fn pages(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let press = work.common.press;
    for Note { line, text } in notes(&press.options.site)? {
        let path = line.path.clone();
        let json_ld = serde_json::json!({
            "@context": "https://schema.org", "@type": "Article", "name": line.title, "headline": line.title, "description": line.summary,
            "datePublished": line.date.iso, "inLanguage": "en",
            "author": { "@type": "Organization", "name": "catalogue" },
        });
        let body = html_of(&text, &root_from(&path));
        let view = NoteView { note: line, body, json_ld: json_ld.to_string() };
        work.listed(path.clone());
        press.page(&KIND, work.unit, &path, &view)?;
    }
    Ok(())
}

fn index(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let notes = lines(work)?;
    let tags = notes.iter().flat_map(|note| note.tags.clone()).collect();
    work.listed(INDEX_PATH.to_owned());
    work.common.press.page(&INDEX, work.unit, INDEX_PATH, &NotesView { notes, tags, tag: None })
}

fn tags(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let all = lines(work)?;
    let tags: BTreeSet<TagLine> = all.iter().flat_map(|note| note.tags.clone()).collect();
    for tag in &tags {
        let notes = all.iter().filter(|note| note.tags.contains(tag)).cloned().collect();
        let view = NotesView { notes, tags: tags.clone(), tag: Some(tag.clone()) };
        work.listed(tag.path.clone());
        work.common.press.page(&TAG, work.unit, &tag.path, &view)?;
    }
    Ok(())
}

fn feed(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let base = work.common.press.options.base_url.as_ref();
    let notes = lines(work)?;
    let view = FeedView {
        id: urn(&("notes", base.map(url::Url::as_str))),
        base: base.map(|base| absolute(base, "")).unwrap_or_default(),
        updated: notes
            .first()
            .map_or_else(|| "1970-01-01T00:00:00Z".to_owned(), |note| note.date.iso.clone()),
        notes,
    };
    work.common.press.page(&FEED, work.unit, "notes.atom", &view)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::Folder;

    #[test]
    fn every_note_reads_has_sources_and_the_newest_comes_first() {
        let files = Folder::Site.files(None).unwrap();
        let all = notes(&files).unwrap();
        assert!(all.len() >= 3, "{}", all.len());
        assert!(all.is_sorted_by(|a, b| a.line.date.iso >= b.line.date.iso));
        for Note { line, text } in &all {
            assert!(line.summary.len() <= 200 && !line.tags.is_empty(), "{}", line.path);
            let (_, sources) = text.split_once("\n## Sources").expect(&line.path);
            assert!(sources.matches("https://").count() >= 3, "{}", line.path);
        }
    }

    #[test]
    fn what_does_not_read_is_said() {
        let front = "+++\ntitle = \"T\"\ndate = \"2026-02-03\"\nsummary = \"S.\"\ntags = [\"A tag\"]\n";
        let note = read("x", &format!("{front}+++\n\nText.\n")).unwrap();
        assert_eq!(note.line.date.iso, "2026-02-03T00:00:00Z");
        assert_eq!(note.line.tags[0].word, "A tag");
        assert!(note.line.tags[0].path.starts_with("notes/tags/a-tag"), "{}", note.line.tags[0].path);
        for text in ["Text.", "+++\ntitle = \"T\"\n+++\n", &format!("{front}more = 1\n+++\n")] {
            assert!(read("x", text).is_err(), "{text}");
        }
    }
}
