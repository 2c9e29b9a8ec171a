//! A small HTTP server on loopback that a test scripts byte by byte, and that remembers what it was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// One request as it came.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) path: String,
    /// Names in lower case.
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The body's `method`, for JSON-RPC.
    pub(super) fn rpc(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        body["method"].as_str().unwrap_or_default().to_owned()
    }

    /// The body's `id`, for JSON-RPC.
    pub(super) fn id(&self) -> u64 {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        body["id"].as_u64().unwrap_or_default()
    }
}

pub(super) struct Fake {
    pub(super) url: Url,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Fake {
    /// Answers each request with `handler`, each on its own connection.
    pub(super) async fn start<F, Fut>(handler: F) -> Fake
    where
        F: Fn(Seen, TcpStream) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = std::io::Result<()>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (noted, handler) = (Arc::clone(&seen), Arc::new(handler));
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (noted, handler) = (Arc::clone(&noted), Arc::clone(&handler));
                tokio::spawn(async move {
                    let Some(request) = read_request(&mut stream).await else { return };
                    noted.lock().unwrap().push(request.clone());
                    // The client may hang up first: that is often the point.
                    let _ = handler(request, stream).await;
                });
            }
        });
        Fake { url, seen, task }
    }

    pub(super) fn at(&self, path: &str) -> Url {
        self.url.join(path).unwrap()
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").and_then(|l| l.parse().ok()).unwrap_or(0);
    while bytes.len() < head_end + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(Seen {
        method: first.next()?.to_owned(),
        path: first.next()?.to_owned(),
        headers,
        body: String::from_utf8_lossy(&bytes[head_end..]).into_owned(),
    })
}

/// Writes a whole answer; `head` is header lines without the last line end.
pub(super) async fn reply(
    stream: &mut TcpStream,
    status: u16,
    head: &str,
    body: &[u8],
) -> std::io::Result<()> {
    let separator = if head.is_empty() { "" } else { "\r\n" };
    let start = format!(
        "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}{separator}{head}\r\n\r\n",
        body.len()
    );
    stream.write_all(start.as_bytes()).await?;
    stream.write_all(body).await?;
    stream.shutdown().await
}

pub(super) async fn reply_json(stream: &mut TcpStream, body: &serde_json::Value) -> std::io::Result<()> {
    reply(stream, 200, "Content-Type: application/json", body.to_string().as_bytes()).await
}

/// Writes the head of an answer that goes on until the connection ends.
pub(super) async fn begin(stream: &mut TcpStream, media_type: &str) -> std::io::Result<()> {
    let head = format!("HTTP/1.1 200 X\r\nConnection: close\r\nContent-Type: {media_type}\r\n\r\n");
    stream.write_all(head.as_bytes()).await
}
