//! One exchange with a remote server, from its address to a probe. Nothing is started here.

use jiff::Timestamp;
use tokio::time::Instant;
use url::Url;

use super::attempt::Answer;
use super::climb::remote_probe;
use super::http_transport::HttpLink;
use super::mcp;
use crate::config::limits::Limits;
use crate::http::{Client, Reach};
use crate::model::Probe;

/// Asks the server at `address` for its tools; `shown` is how the address is stored.
pub async fn ask(client: &Client, address: &Url, reach: Reach, limits: &Limits, shown: String) -> Probe {
    let started_at = Timestamp::now();
    let begun = Instant::now();
    let mut link = HttpLink::new(client, address.clone(), reach, limits);
    let mut listed = mcp::list_tools(&mut link, limits).await;
    if let Ok(listing) = &mut listed {
        listing.marks.extend(link.marks());
    }
    let (transport, damaged) = (link.transport(), link.encoding_damaged());
    link.close().await;
    let mut answer = Answer::remote(started_at, begun.elapsed(), listed);
    answer.damaged = damaged;
    remote_probe(answer, transport, vec![shown])
}
