//! How a queue stands, for machines: OpenMetrics over HTTP.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::progress;
use crate::queue::Link;
use crate::queue::standing::Standing;

/// Source: OpenMetrics 1.0, "Protocol negotiation".
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Whoever asks more slowly is not waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of a request's head.
const HEAD: usize = 8 * 1024;

/// Answers until a signal ends it.
pub(super) async fn serve(link: &Link, address: SocketAddr) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("--metrics {address}: cannot be listened at; give another address"))?;
    progress::say(&format!("metrics at http://{}/metrics", listener.local_addr()?));
    let mut terminate = signal(SignalKind::terminate())?;
    loop {
        tokio::select! {
            met = listener.accept() => {
                let Ok((stream, _)) = met else { continue };
                // One at a time: scrapers are few, and the database is spared.
                if let Ok(Err(error)) = tokio::time::timeout(PATIENCE, answer(link, stream)).await {
                    tracing::debug!(%error, "a scrape broke off");
                }
            }
            _ = tokio::signal::ctrl_c() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
        }
    }
}

async fn answer(link: &Link, mut stream: TcpStream) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut piece = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < HEAD {
        match stream.read(&mut piece).await? {
            0 => return Ok(()),
            read => head.extend(piece.iter().take(read)),
        }
    }
    let head = String::from_utf8_lossy(&head);
    let asked = head.lines().next().unwrap_or_default();
    let (status, kind, body) = if !asked.starts_with("GET /metrics ") {
        ("404 Not Found", "text/plain", "ask for /metrics\n".to_owned())
    } else {
        match link.standing().await {
            Ok(standing) => ("200 OK", CONTENT_TYPE, text(&standing)),
            Err(error) => ("503 Service Unavailable", "text/plain", format!("{error}\n")),
        }
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

/// Labels hold closed words and numbers only: nothing that a worker or a package said.
fn text(standing: &Standing) -> String {
    let mut out = String::new();
    let mut family = |name: &str, kind: &str, help: &str, samples: &[(String, f64)]| {
        // A String takes everything.
        let _ = writeln!(out, "# TYPE {name} {kind}\n# HELP {name} {help}");
        for (labels, value) in samples {
            let suffix = if kind == "counter" { "_total" } else { "" };
            let _ = writeln!(out, "{name}{suffix}{labels} {value}");
        }
    };
    let one = |value: f64| vec![(String::new(), value)];
    let states = [("waiting", standing.waiting), ("leased", standing.leased), ("done", standing.done)];
    let states: Vec<_> = states.map(|(state, jobs)| (format!("{{state=\"{state}\"}}"), jobs as f64)).into();
    family("catalogue_queue_jobs", "gauge", "Jobs by state.", &states);
    let outcomes: Vec<_> = standing
        .outcomes
        .iter()
        .map(|(word, jobs)| (format!("{{outcome=\"{word}\"}}"), *jobs as f64))
        .collect();
    family("catalogue_queue_done", "gauge", "Jobs that are done by outcome.", &outcomes);
    family(
        "catalogue_queue_later",
        "gauge",
        "Jobs that wait after a fault.",
        &one(standing.waiting_for_later as f64),
    );
    family("catalogue_queue_overdue", "gauge", "Leases that ran out.", &one(standing.overdue as f64));
    family(
        "catalogue_queue_workers",
        "gauge",
        "Workers that hold jobs.",
        &one(standing.workers.len() as f64),
    );
    family("catalogue_queue_per_minute", "gauge", "Results a minute, lately.", &one(standing.per_minute));
    family(
        "catalogue_queue_oldest_waiting_seconds",
        "gauge",
        "How long the oldest waiting job waits.",
        &one(standing.oldest_waiting_seconds),
    );
    let took = [("0.5", standing.median_millis), ("0.95", standing.p95_millis)];
    let took: Vec<_> = took.map(|(part, ms)| (format!("{{part=\"{part}\"}}"), ms / 1000.0)).into();
    family("catalogue_queue_job_seconds", "gauge", "How long jobs took, lately.", &took);
    let rests: Vec<_> = standing
        .paces
        .iter()
        .map(|pace| (format!("{{registry=\"{}\"}}", pace.registry), pace.rests_seconds))
        .collect();
    family("catalogue_queue_rest_seconds", "gauge", "How long a registry is left alone.", &rests);
    if let Some(eta) = standing.eta_seconds {
        family(
            "catalogue_queue_left_seconds",
            "gauge",
            "Until nothing waits, at that rate.",
            &one(eta as f64),
        );
    }
    out.push_str("# EOF\n");
    out
}
