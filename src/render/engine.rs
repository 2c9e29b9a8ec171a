//! The build itself: takes stock of the catalogue, makes the pages of the whole, then goes through the servers in the order of their
//! keys, a few at a time. While the pages of some are made, the next ones are read.
//!
//! Nothing of a server is held longer than its pages take. A server whose pages would show what they show already is not
//! read at all.

use std::sync::{Mutex, OnceLock};
use std::time::Instant;

use jiff::Timestamp;
use rayon::prelude::*;
use url::Url;

use super::aside::Aside;
use super::catalogue::{Catalogue, ServerEntry};
use super::check::Checker;
use super::control::server_policies;
use super::digest::{Digest, Inputs};
use super::html::Engine;
use super::judged::judge;
use super::kinds::{Make, PAGE_KINDS};
use super::lists::Figures;
use super::manifest::UnitName;
use super::page::{Press, SiteView};
use super::reader::{Open, Reader};
use super::report::{BuildReport, Tally};
use super::server_page::{ServerRows, same_outcome};
use super::shelf::{Remembered, Shelf};
use super::similar::Similar;
use super::site_work::{Common, ServerWork, UnaskedWork, WholeWork, tool_inputs};
use super::stock::{Asked, Stock, take_stock};
use super::write::{ClosedUnit, OpenUnit, Output};
use super::{BuildOptions, RenderError, changes, declared, download};
use crate::attack::Library;
use crate::classify::RuleBook;
use crate::policy::Numbers;
use crate::store::{Connection, declared_lists, moment, page_dates, site, site_inputs};

/// Builds the whole site, or brings it up to date. `passed` is told, from any thread, how many servers are done and of how many.
///
/// Memory grows with names and not with pages. Files that would not change are left alone; pages of an earlier build that
/// are gone are removed.
///
/// # Errors
/// [`RenderError`]; what was written until then stays, and the next build goes on from there.
pub fn build(
    db: &mut Connection,
    rules: &RuleBook,
    numbers: &Numbers,
    options: &BuildOptions,
    passed: &(dyn Fn(usize, usize) + Sync),
) -> Result<BuildReport, RenderError> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(options.threads.unwrap_or(0))
        .build()
        .map_err(|source| RenderError::Threads { source })?;
    pool.install(|| {
        let (engine, second) = rayon::join(|| engine(options), || moment::hold_two(db));
        let second = second?;
        let built =
            engine.and_then(|engine| build_held((db, second), engine, rules, numbers, options, passed));
        moment::let_go(db)?;
        built
    })
}

/// The templates of all kinds of pages.
fn engine(options: &BuildOptions) -> Result<Engine, RenderError> {
    let templates: Vec<&'static str> = PAGE_KINDS.iter().flat_map(|kind| kind.templates).copied().collect();
    Engine::new(&options.templates, &templates)
}

fn build_held(
    (db, second): (&mut Connection, Option<Connection>),
    mut engine: Engine,
    rules: &RuleBook,
    numbers: &Numbers,
    options: &BuildOptions,
    passed: &(dyn Fn(usize, usize) + Sync),
) -> Result<BuildReport, RenderError> {
    let begun = Instant::now();
    let library = Library::load(&options.data)?;
    let as_of =
        options.as_of.map_or_else(|| site::newest_probe(db, options.audience), |as_of| Ok(Some(as_of)))?;
    let mark = Output::mark(&options.out);
    let output = Output::open(&options.out, options.compression)?;
    let site = SiteView {
        version: options.version,
        rules: rules.hash().chars().take(12).collect(),
        private: options.audience.sees_private(),
        report: options.report.clone(),
    };
    engine.share("site", &site);
    engine.share("twins", &options.twins);
    let shared = shared(&site, numbers, options, &site_inputs::edits(db)?);
    let whole = whole(db, shared, rules, options)?;
    let trusted = !options.fresh && !output.taken_up;
    let remembered =
        options.shelf.as_deref().filter(|_| trusted).and_then(|place| Remembered::open(place, whole, &mark));
    let shelf = Shelf::new(options.shelf.as_deref(), &options.out)?;
    let aside = Aside::new(&options.out)?;
    let stock = match as_of {
        Some(as_of) => {
            let (corrected_by, audience) = (options.as_of, options.audience);
            let asked = Asked { rules, library: &library, as_of, corrected_by, audience, aside: &aside };
            take_stock((db, second), &asked, shelf, remembered)?
        }
        None => Stock::default(),
    };
    let Stock { catalogue, extras, before, places, stirred } = stock;
    let similar = Similar::new(&catalogue);
    let press = Press {
        engine,
        output,
        site,
        options,
        shared,
        twins: options.twins,
        tally: Tally::default(),
        checker: options.check.then(|| Checker::new(options.report.as_ref())),
        sections: super::sections::Sections::default(),
    };
    let common =
        Common { press: &press, catalogue: &catalogue, similar: &similar, rules, numbers, library: &library };
    let unasked = declared::servers(db, &catalogue, options)?;
    let is_ours = |key: &str| options.shard.is_none_or(|shard| shard.holds(key));
    let mut servers = Reader::new(common, &extras, &before, (&aside, &places), &is_ours);
    let begin = |db: &mut Connection| {
        let inputs = catalogue.servers.par_iter().zip(&before).map(|(entry, before)| match before {
            Some(before) if stirred.leaves(&catalogue, entry) => {
                debug_assert_eq!(*before, inputs_of(common, entry, &[]), "{}", entry.key_text());
                Some(*before)
            }
            Some(_) => Some(inputs_of(common, entry, &[])),
            // Its pages are looked at in any case, and what they show of others then.
            None => None,
        });
        let inputs: Vec<Option<Digest>> = inputs.collect();
        let piece = servers.read(db, options, &inputs)?;
        Ok((inputs, piece))
    };
    let (mut site_pages, (mut inputs, mut piece)) = whole_site(db, common, as_of, &unasked, begin)?;
    while !piece.is_empty() {
        let (made, next) = rayon::join(|| make_servers(common, piece), || servers.read(db, options, &inputs));
        site_pages += end(&press, &catalogue, made?, &mut inputs)?;
        passed(servers.passed(), catalogue.servers.len());
        piece = next?;
    }
    for server in unasked.iter().filter(|server| is_ours(&server.about)) {
        let unit = press.output.unit(UnitName::unasked(&server.about))?;
        let lists = declared_lists(db, &server.about, options.as_of)?;
        let work = UnaskedWork { common, unit: &unit, server, lists: &lists };
        for kind in PAGE_KINDS {
            if let Make::Unasked(make) = kind.make {
                make(&work)?;
            }
        }
        site_pages += 1;
        press.output.end_unit(unit)?;
    }
    let inputs: Vec<Digest> = inputs
        .par_iter()
        .zip(&catalogue.servers)
        .map(|(inputs, entry)| {
            // Of another shard.
            inputs.unwrap_or_else(|| inputs_of(common, entry, &[]))
        })
        .collect();
    let left_to_tera = press.engine.left_to_tera();
    let Press { engine, output, tally, checker, sections, .. } = press;
    // Nobody waits for it: some megabytes in small pieces.
    rayon::spawn(move || drop((engine, sections, similar)));
    let written = output.finish()?;
    let (server_count, tool_count) = (catalogue.servers.len(), catalogue.tools.len());
    catalogue.into_shelf().keep(whole, &inputs, &Output::mark(&options.out))?;
    let kinds = tally.kinds();
    let tool_pages = kinds.iter().find(|kind| kind.kind == super::tool_page::KIND.id);
    Ok(BuildReport {
        pages: site_pages,
        servers: server_count,
        tools: tool_count,
        files: written.files,
        rendered: kinds.iter().filter(|kind| kind.kind != "file").map(|kind| kind.rendered).sum(),
        files_written: written.changed,
        files_removed: written.removed,
        bytes: written.bytes,
        mean_tool_page: tool_pages.map_or(0, |kind| kind.bytes / (kind.rendered as u64).max(1)),
        seconds: begun.elapsed().as_secs_f64(),
        kinds,
        left_to_tera,
        problems: checker.map(|checker| checker.problems(options.shard.is_none())),
    })
}

/// What every page is made from, beside its own view.
fn shared(site: &SiteView, numbers: &Numbers, options: &BuildOptions, edits: &str) -> Digest {
    let mut inputs = Inputs::default();
    let address = options.base_url.as_ref().map(Url::as_str);
    inputs.add(&(site, edits, format!("{numbers:?}"), address, options.twins));
    for (name, bytes) in options.templates.iter().chain(&options.data) {
        inputs.add(&(name, Digest::of_bytes(bytes)));
    }
    inputs.done()
}

/// What must be as it was the last time for anything that is remembered to count.
fn whole(
    db: &Connection,
    shared: Digest,
    rules: &RuleBook,
    options: &BuildOptions,
) -> Result<Digest, RenderError> {
    let edits = site_inputs::edits(db)?;
    let as_of = options.as_of.map(|as_of| as_of.to_string());
    let twins = (options.twins, options.compression.gzip, options.compression.brotli);
    let shard = options.shard.map(|shard| (shard.number, shard.of, options.download));
    let turns = format!("{:?}", page_dates::turns(db, rules.hash(), options.as_of)?);
    Ok(Digest::of(&(shared, edits, turns, as_of, twins, shard, env!("CARGO_PKG_VERSION"))))
}

/// Everything that speaks of more than one server; returns how many pages that were. What comes `next` is begun beside what comes last of
/// it, which one thread makes alone.
fn whole_site<T: Send>(
    db: &mut Connection,
    common: Common<'_>,
    as_of: Option<Timestamp>,
    unasked: &[declared::Unasked],
    next: impl FnOnce(&mut Connection) -> Result<T, RenderError> + Send,
) -> Result<(usize, T), RenderError> {
    let press = common.press;
    if press.options.shard.is_some_and(|shard| shard.number != 1) {
        return Ok((0, next(db)?));
    }
    let unit = press.output.unit(UnitName::whole())?;
    press.static_files(&unit)?;
    let figures = Figures::new(common.catalogue, as_of, !unasked.is_empty());
    let happened = changes::happened(db, common, as_of)?;
    let work = WholeWork { common, unit: &unit, figures, happened, unasked, pages: Mutex::default() };
    let whole = PAGE_KINDS.par_iter().map(|kind| match kind.make {
        Make::Whole(make) => make(&work),
        _ => Ok(()),
    });
    // Of several errors always the same one.
    whole.collect::<Vec<_>>().into_iter().collect::<Result<(), _>>()?;
    let last =
        PAGE_KINDS.iter().filter_map(|kind| if let Make::Last(make) = kind.make { Some(make) } else { None });
    let (last, next) = rayon::join(|| last.into_iter().try_for_each(|make| make(&work)), || next(db));
    let ((), next) = (last?, next?);
    download::put(db, common, &unit, as_of)?;
    let pages = work.pages.into_inner().expect("no thread panics while it holds the list of pages").len();
    press.output.end_unit(unit)?;
    press.output.rest()?;
    // And the page for what is not there, which is in no list.
    Ok((pages + 1, next))
}

/// What the pages of one server are made from: its own rows, and what they show of others. What the page of each tool is made from
/// is taken from `known`, where it is.
fn inputs_of(common: Common<'_>, entry: &ServerEntry, known: &[OnceLock<Digest>]) -> Digest {
    let Common { catalogue, similar, .. } = common;
    let mut inputs = Inputs::default();
    inputs.add(&entry.rows);
    for place in 0..entry.tool_count {
        let of_tool = known.get(place).and_then(OnceLock::get).copied().unwrap_or_else(|| {
            tool_inputs(catalogue, entry, place, &similar.to(catalogue, entry.first_tool + place))
        });
        inputs.add(&of_tool);
    }
    if !entry.answered() {
        same_outcome(catalogue, entry).for_each(|other| inputs.add(&(&other.name, &other.version)));
    }
    for place in &entry.places {
        inputs.add(&catalogue.server(place).is_some());
    }
    inputs.done()
}

/// A server whose pages are as they should be.
struct Made {
    place: usize,
    unit: ClosedUnit,
    /// What its pages were made from, where they were looked at.
    inputs: Option<Digest>,
}

/// Makes the pages of a piece, on every thread; what was read of a server goes with its last page.
fn make_servers(common: Common<'_>, piece: Vec<Open>) -> Result<Vec<Made>, RenderError> {
    let output = &common.press.output;
    let made = piece.into_par_iter().map(|Open { place, unit, rows }| {
        Ok(match rows {
            Some(rows) => {
                let inputs = make_server(common, &unit, rows)?;
                Made { place, unit: output.close_unit(unit)?, inputs }
            }
            None => Made { place, unit: output.keep_unit(unit), inputs: None },
        })
    });
    made.collect()
}

/// All pages of one server; returns what they were made from.
fn make_server(
    common: Common<'_>,
    unit: &OpenUnit,
    mut rows: ServerRows,
) -> Result<Option<Digest>, RenderError> {
    let Some(entry) = common.catalogue.servers.get(rows.index) else { return Ok(None) };
    let made_from = vec![OnceLock::new(); entry.tool_count];
    let judged = rows.tools.take().map(|tools| judge(tools, common.rules));
    let policies = judged.as_deref().map(|judged| server_policies(entry, judged, common.numbers));
    let work = ServerWork {
        common,
        unit,
        entry,
        rows: &rows,
        judged: judged.as_deref(),
        policies: policies.as_ref(),
        made_from: &made_from,
        similar: OnceLock::new(),
        facts: OnceLock::new(),
    };
    for kind in PAGE_KINDS {
        if let Make::Server(make) = kind.make {
            make(&work)?;
        }
    }
    Ok(Some(inputs_of(common, entry, &made_from)))
}

/// Records the units of a piece in their order, and what they were made from; returns how many pages they have.
fn end(
    press: &Press<'_>,
    catalogue: &Catalogue,
    piece: Vec<Made>,
    all_inputs: &mut [Option<Digest>],
) -> Result<usize, RenderError> {
    let mut pages = 0;
    for Made { place, unit, inputs } in piece {
        if let Some(known) = all_inputs.get_mut(place).filter(|known| known.is_none()) {
            *known = inputs;
        }
        if let Some(entry) = catalogue.servers.get(place) {
            pages += super::server_page::pages(entry).len() + entry.tool_count;
            pages += super::server_risk::pages(catalogue, entry).len();
        }
        press.output.record(&unit)?;
    }
    press.output.rest()?;
    Ok(pages)
}
