//! How a queue stands, for people.

use crate::model::Untrusted;
use crate::queue::standing::Standing;

/// A number of seconds as people say it.
fn span(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        0..=119 => format!("{whole} s"),
        120..=7_199 => format!("{} min", whole / 60),
        7_200..=172_799 => format!("{} h", whole / 3_600),
        _ => format!("{} days", whole / 86_400),
    }
}

/// One line for the live view.
pub(super) fn line(standing: &Standing) -> String {
    let eta = standing.eta_seconds.map_or_else(|| "?".to_owned(), |eta| span(eta as f64));
    let quarantined = standing.outcomes.get("quarantined").copied().unwrap_or_default();
    format!(
        "{} waiting, {} held by {}, {:.1}/min, {eta} left, {quarantined} quarantined",
        standing.waiting,
        standing.leased,
        standing.workers.len(),
        standing.per_minute
    )
}

/// Everything.
pub(super) fn table(place: &str, standing: &Standing) -> String {
    let mut text = format!("{place}\n");
    let mut row = |name: &str, value: String| text.push_str(&format!("  {name:<18}{value}\n"));
    row("waiting", format!("{} ({} not yet)", standing.waiting, standing.waiting_for_later));
    row("held", format!("{} ({} overdue)", standing.leased, standing.overdue));
    row("done", standing.done.to_string());
    row(
        "rate",
        format!(
            "{:.1} a minute; a job takes {:.1} s, 95 of 100 at most {:.1} s",
            standing.per_minute,
            standing.median_millis / 1000.0,
            standing.p95_millis / 1000.0
        ),
    );
    row(
        "left",
        standing
            .eta_seconds
            .map_or_else(|| "unknown: nothing ended lately".to_owned(), |eta| span(eta as f64)),
    );
    row("oldest waiting", span(standing.oldest_waiting_seconds));
    let mut list = |head: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            text.push_str(&format!("{head}\n"));
            lines.iter().for_each(|line| text.push_str(&format!("  {line}\n")));
        }
    };
    list("outcomes", standing.outcomes.iter().map(|(word, jobs)| format!("{word:<18}{jobs}")).collect());
    let shown = |text: &str| Untrusted::new(text).for_terminal(120);
    let workers = standing.workers.iter();
    list(
        "workers",
        workers
            .map(|w| {
                format!("{}  holds {}, the oldest for {}", shown(&w.worker), w.held, span(w.oldest_seconds))
            })
            .collect(),
    );
    let poison = standing.poison.iter();
    list(
        "lost their workers",
        poison
            .map(|p| {
                let now = p.outcome.as_deref().unwrap_or(&p.state);
                format!("{}  {} times, now {}", shown(&p.target), p.deaths, shown(now))
            })
            .collect(),
    );
    let faults = standing.faults.iter();
    list(
        "wait after a fault",
        faults.map(|f| format!("{}  {} times: {}", shown(&f.target), f.faults, shown(&f.fault))).collect(),
    );
    let paces = standing.paces.iter().filter(|pace| pace.interval_ms > 0);
    list(
        "at most",
        paces
            .map(|pace| {
                let rate = 1000.0 / f64::from(pace.interval_ms);
                let rest = if pace.rests_seconds > 1.0 {
                    format!(", left alone for {}", span(pace.rests_seconds))
                } else {
                    String::new()
                };
                format!("{:<18}{rate:.1} a second{rest}", pace.registry)
            })
            .collect(),
    );
    text
}
