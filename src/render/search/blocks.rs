//! What results look like: the entries in blocks of some twenty, of which a reader loads those that are shown.

use rayon::prelude::*;
use serde::Serialize;

use super::entries::{CHUNK, Chunk, Entries, Unit};
use super::script;
use crate::model::slug::slug;
use crate::render::RenderError;
use crate::render::catalogue::{ServerEntry, ToolEntry};
use crate::render::digest::{Digest, Inputs};
use crate::render::name::tool_name;
use crate::render::site_work::WholeWork;

/// Longest name and longest line of a result, in characters.
const NAME: usize = 120;
const LINE: usize = 110;

/// One entry.
#[derive(Serialize)]
#[serde(untagged)]
enum Row {
    /// A server: how many tools it has.
    Tools(usize),
    /// A server that never answered, or was never asked: why.
    Quiet(&'static str),
    /// A tool whose page has its name.
    Plain(String, String),
    /// A tool with the name of its page; anything else with its path.
    Named(String, String, String),
}

/// A chunk: what a server is called, its key and its folder; then its entries. Empty strings for what is no server's.
#[derive(Serialize)]
struct ChunkView<'a>(&'a str, &'a str, &'a str, Vec<Row>);

/// Writes every block that is not as it was.
///
/// # Errors
/// A file that cannot be written.
pub(super) fn put(work: &WholeWork<'_>, entries: &Entries) -> Result<(), RenderError> {
    let mut places = 0;
    let blocks = entries.chunks.chunk_by(|a, b| a.block == b.block).map(|chunks| {
        places += chunks.len();
        (chunks, entries.digests.get(places - chunks.len()..places).unwrap_or_default())
    });
    let blocks: Vec<(&[Chunk], &[Digest])> = blocks.collect();
    blocks.into_par_iter().try_for_each(|(chunks, made_from)| {
        let Some(block) = chunks.first().map(|chunk| chunk.block) else { return Ok(()) };
        let mut inputs = Inputs::default();
        inputs.add(&(block, made_from));
        work.common.press.script(work.unit, &format!("search/b/{block}.js"), inputs.done(), || {
            let views: Vec<ChunkView<'_>> = chunks.iter().filter_map(|chunk| view(work, chunk)).collect();
            script("catalogueBlock", &(block, views))
        })
    })
}

/// What a chunk is made from, and every posting of it.
pub(super) fn made_from(work: &WholeWork<'_>, chunk: &Chunk) -> Digest {
    let mut inputs = Inputs::default();
    match chunk.unit {
        Unit::Server(i) => {
            if let Some(server) = work.common.catalogue.servers.get(i) {
                inputs.add(&(server.rows, &server.name, server.outcome.as_str(), chunk.number));
            }
        }
        Unit::Unasked(i) => {
            inputs.add(&("unasked", work.unasked.get(i).map(|server| (&server.about, &server.name))));
        }
        // Data files are among what every page is made from.
        Unit::Attacks => inputs.add(&("attacks", chunk.number)),
        Unit::Terms => inputs.add(&("terms", chunk.number)),
        Unit::Categories => inputs.add(&("categories", chunk.number)),
    }
    inputs.done()
}

fn view<'a>(work: &WholeWork<'a>, chunk: &Chunk) -> Option<ChunkView<'a>> {
    let from = chunk.number * CHUNK;
    let library = work.common.library;
    Some(match chunk.unit {
        Unit::Server(i) => {
            let server = work.common.catalogue.servers.get(i)?;
            let tools = work.common.catalogue.tools_of(server);
            let mut rows = Vec::with_capacity(CHUNK);
            if from == 0 {
                rows.push(server_row(server));
            }
            let count = CHUNK - rows.len();
            let tools = tools.iter().skip(from.saturating_sub(1)).take(count);
            rows.extend(tools.map(|tool| tool_row(work, tool)));
            ChunkView(&server.name.name, &server.name.key, &server.name.path, rows)
        }
        Unit::Unasked(i) => {
            let name = &work.unasked.get(i)?.name;
            ChunkView(&name.name, &name.key, &name.path, vec![Row::Quiet("never-asked")])
        }
        Unit::Attacks => {
            let patterns = library.patterns().iter().skip(from).take(CHUNK);
            let row = |id: &str, title: &str, line: &str| {
                Row::Named(title.to_owned(), short(line), format!("attacks/{id}.html"))
            };
            ChunkView("", "", "", patterns.map(|p| row(&p.id, &p.title, &p.summary)).collect())
        }
        Unit::Terms => {
            let terms = library.terms().iter().skip(from).take(CHUNK);
            let row = |id: &str, term: &str, line: &str| {
                Row::Named(term.to_owned(), short(line), format!("glossary/{id}.html"))
            };
            ChunkView("", "", "", terms.map(|t| row(&t.id, &t.term, &t.text)).collect())
        }
        Unit::Categories => {
            let categories = library.categories_in_use().skip(from).take(CHUNK);
            let row = |id: &str, title: &str, line: &str| {
                Row::Named(title.to_owned(), short(line), format!("attacks/category/{id}.html"))
            };
            ChunkView("", "", "", categories.map(|c| row(&c.id, &c.title, &c.summary)).collect())
        }
    })
}

fn server_row(server: &ServerEntry) -> Row {
    if server.answered() { Row::Tools(server.tool_count) } else { Row::Quiet(server.outcome.as_str()) }
}

fn tool_row(work: &WholeWork<'_>, tool: &ToolEntry) -> Row {
    let catalogue = work.common.catalogue;
    let raw = catalogue.name_of(tool);
    let (name, line) = (tool_name(raw, NAME), short(catalogue.line_of(tool)));
    let slug = slug(raw);
    if slug == name { Row::Plain(name, line) } else { Row::Named(name, line, slug) }
}

/// A line that ends with a whole word where it can.
fn short(line: &str) -> String {
    let Some((end, _)) = line.char_indices().nth(LINE) else { return line.to_owned() };
    let kept = line.split_at_checked(end).map_or(line, |(kept, _)| kept);
    let whole = kept.rsplit_once(' ').map(|(whole, _)| whole).filter(|whole| whole.len() * 3 > kept.len());
    format!("{}…", whole.unwrap_or(kept).trim_end_matches([' ', ',', '.', ';', ':']))
}

/// What a build of the whole index is made from: if that is what it was, nothing of it is looked at.
pub(super) fn whole(work: &WholeWork<'_>, format: &str) -> Digest {
    let mut inputs = Inputs::default();
    inputs.add(format);
    for server in &work.common.catalogue.servers {
        inputs.add(&(server.rows, &server.name, server.outcome.as_str()));
    }
    for server in work.unasked {
        inputs.add(&(&server.about, &server.name));
    }
    inputs.done()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_between_words_and_never_within_a_sign() {
        assert_eq!(short("Lists them."), "Lists them.");
        let long = "Returns all of them, ".repeat(20);
        assert!(short(&long).ends_with("them…") || short(&long).ends_with("of…"), "{}", short(&long));
        assert_eq!(short(&"删".repeat(300)).chars().count(), LINE + 1);
    }
}
