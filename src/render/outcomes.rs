//! Servers that did not answer, a list for each way in which that ended.

use rayon::prelude::*;
use serde::Serialize;

use super::RenderError;
use super::catalogue::{ServerEntry, ServerLine};
use super::kinds::{MadeFrom, Make, PageKind};
use super::lists::{OutcomeLine, outcome_lines};
use super::page::{Pager, parts};
use super::site_work::WholeWork;
use super::twin;

const SERVERS_ON_PAGE: usize = 200;

/// One outcome that occurs.
pub(super) const KIND: PageKind = PageKind {
    id: "outcome",
    path: "outcomes/{outcome}.html, outcomes/{outcome}/{part}.html",
    templates: &["outcome.html"],
    made_from: MadeFrom::Catalogue,
    counts: true,
    make: Make::Whole(outcomes),
};

#[derive(Serialize)]
struct OutcomeView<'a> {
    outcome: &'a OutcomeLine,
    others: &'a [OutcomeLine],
    lasting: bool,
    pager: Pager,
    servers: Vec<ServerLine>,
}

fn outcomes(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let press = work.common.press;
    let quiet: Vec<&ServerEntry> = work.common.catalogue.servers.iter().filter(|s| !s.answered()).collect();
    let lines = outcome_lines(&quiet);
    lines.par_iter().try_for_each(|outcome| {
        let ended: Vec<&&ServerEntry> = quiet.iter().filter(|s| s.outcome.as_str() == outcome.id).collect();
        let lasting = ended.first().is_some_and(|server| server.outcome.is_lasting());
        let folder = format!("outcomes/{}", outcome.id);
        for (path, pager) in parts(&format!("{folder}.html"), &folder, ended.len(), SERVERS_ON_PAGE) {
            let start = (pager.number - 1) * SERVERS_ON_PAGE;
            let servers: Vec<ServerLine> =
                ended.iter().skip(start).take(SERVERS_ON_PAGE).map(|s| s.line()).collect();
            let json = twin::SERVER_LIST.inputs(&(outcome.id, ended.len(), &servers, &pager));
            press.twin(work.unit, &path, json, || {
                Ok(twin::ServerListTwin::new(outcome.id, ended.len(), &pager, &servers))
            })?;
            work.listed(path.clone());
            press.page(
                &KIND,
                work.unit,
                &path,
                &OutcomeView { outcome, others: &lines, lasting, pager, servers },
            )?;
        }
        Ok(())
    })
}
