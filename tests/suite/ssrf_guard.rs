//! Addresses that lead inside, in sixty spellings, by names, by redirects and by a resolver that changes its mind: nothing
//! of ours is ever connected to. A listener on loopback counts what arrives; nothing here leaves this machine, names are
//! resolved by the test itself.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use catalogue::config::limits::Limits;
use catalogue::http::{
    Addresses, Answer, Client, Deadlines, HeaderMap, HttpError, Lookup, Method, Reach, Request,
};
use catalogue::probe::http_transport::HttpLink;
use catalogue::probe::mcp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

/// Counts connections to one port of this machine, on every address that a spelling could reach it by.
struct Counter {
    port: u16,
    accepted: Arc<AtomicUsize>,
}

impl Counter {
    /// Answers each request with `answer`; `PORT` in it is the counter's own.
    async fn start(answer: &str) -> Self {
        let first = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
        let port = first.local_addr().unwrap().port();
        let accepted = Arc::new(AtomicUsize::new(0));
        // Where there is no IPv6, nothing can arrive by it either.
        let second = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await.ok();
        for listener in [Some(first), second].into_iter().flatten() {
            let (accepted, answer) = (Arc::clone(&accepted), answer.replace("PORT", &port.to_string()));
            tokio::spawn(async move {
                while let Ok((mut stream, _)) = listener.accept().await {
                    accepted.fetch_add(1, Ordering::SeqCst);
                    let answer = answer.clone();
                    tokio::spawn(async move {
                        let _ = stream.read(&mut [0; 4096]).await;
                        let _ = stream.write_all(answer.as_bytes()).await;
                        let _ = stream.shutdown().await;
                    });
                }
            });
        }
        Self { port, accepted }
    }

    /// What arrived so far; a connection that was begun has the time to arrive.
    async fn count(&self) -> usize {
        tokio::time::sleep(Duration::from_millis(50)).await;
        self.accepted.load(Ordering::SeqCst)
    }
}

const EMPTY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// Answers with the next of its lists each time it is asked; the last one stays.
#[derive(Debug)]
struct Answers {
    lists: Mutex<Vec<Vec<&'static str>>>,
    asked: AtomicUsize,
}

impl Answers {
    fn new(lists: &[&[&'static str]]) -> Arc<Self> {
        let lists = lists.iter().rev().map(|list| list.to_vec()).collect();
        Arc::new(Self { lists: Mutex::new(lists), asked: AtomicUsize::new(0) })
    }
}

impl Lookup for Answers {
    fn addresses(&self, _: &str) -> Addresses {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut lists = self.lists.lock().unwrap();
        let list = if lists.len() > 1 { lists.pop().unwrap() } else { lists[0].clone() };
        Box::pin(async move { Ok(list.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 0)).collect()) })
    }
}

fn client(lookup: Arc<Answers>) -> Client {
    let deadlines = Deadlines { connect: Duration::from_secs(5), ..Deadlines::default() };
    Client::resolving(deadlines, lookup)
}

async fn ask(client: &Client, url: &str, reach: Reach) -> Option<Result<Answer, HttpError>> {
    let url = Url::parse(url).ok()?;
    let ends_at = tokio::time::Instant::now() + Duration::from_secs(10);
    let headers = HeaderMap::new();
    let request =
        Request { method: Method::GET, url: &url, reach, headers, body: None, cap_bytes: 1 << 20, ends_at };
    Some(client.send(request).await)
}

/// `PORT` is the listener's. Names are resolved to 127.0.0.1 by the test.
const FORMS: &[&str] = &[
    // IPv4 as digits: plain, short, decimal, octal, hexadecimal, mixed, padded, with a dot at the end.
    "127.0.0.1:PORT",
    "127.0.0.1.:PORT",
    "127.1:PORT",
    "127.0.1:PORT",
    "2130706433:PORT",
    "0x7f000001:PORT",
    "0x7F.0x0.0x0.0x1:PORT",
    "0177.0.0.1:PORT",
    "0177.0.0.01:PORT",
    "017700000001:PORT",
    "0x7f.1:PORT",
    "0x7f.0.0.01:PORT",
    "00000177.0.0.1:PORT",
    "127.0.0.0x1:PORT",
    "127.255.255.254:PORT",
    "127.0.1.1:PORT",
    "0.0.0.0:PORT",
    "0:PORT",
    "0x0:PORT",
    "00.0:PORT",
    // The same behind percent signs, full-width and circled digits, other full stops, tabs.
    "%31%32%37.0.0.1:PORT",
    "127%2e0%2e0%2e1:PORT",
    "①②⑦.⓪.⓪.①:PORT",
    "１２７.０.０.１:PORT",
    "127。0。0。1:PORT",
    "127．0．0．1:PORT",
    "127.\t0.0.1:PORT",
    "𝟏𝟐𝟕.𝟎.𝟎.𝟏:PORT",
    // IPv6: loopback, unspecified, mapped, compatible, translated, 6to4, Teredo, NAT64 with and without a prefix of its own.
    "[::1]:PORT",
    "[0:0:0:0:0:0:0:1]:PORT",
    "[0000::0001]:PORT",
    "[::]:PORT",
    "[::ffff:127.0.0.1]:PORT",
    "[::ffff:7f00:1]:PORT",
    "[0:0:0:0:0:ffff:7f00:0001]:PORT",
    "[::127.0.0.1]:PORT",
    "[::ffff:0:127.0.0.1]:PORT",
    "[64:ff9b::127.0.0.1]:PORT",
    "[64:ff9b:1::7f00:1]:PORT",
    "[2002:7f00:1::1]:PORT",
    "[2001:0:7f00:1::]:PORT",
    "[::1%25lo]:PORT",
    "[::1%lo]:PORT",
    // Networks behind ours: private, shared, link local, unique local, site local, multicast, documentation, discard.
    "10.0.0.1:PORT",
    "172.16.0.1:PORT",
    "192.168.0.1:PORT",
    "100.64.0.1:PORT",
    "169.254.0.1:PORT",
    "192.0.2.1:PORT",
    "224.0.0.1:PORT",
    "255.255.255.255:PORT",
    "[fe80::1]:PORT",
    "[fc00::1]:PORT",
    "[fd12:3456::1]:PORT",
    "[fec0::1]:PORT",
    "[ff02::1]:PORT",
    "[2001:db8::1]:PORT",
    "[100::1]:PORT",
    // What clouds tell about themselves, in several spellings.
    "169.254.169.254",
    "0xa9fea9fe",
    "2852039166",
    "0251.0376.0251.0376",
    "169.254.43518",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[fd00:ec2::254]",
    "100.100.100.200",
    "192.0.0.192",
    "168.63.129.16",
    "169.254.170.2",
    // Users and fragments that look like the host.
    "public.example@127.0.0.1:PORT",
    "public.example:443@[::1]:PORT",
    "127.0.0.1:PORT#@public.example",
    "127.0.0.1:PORT\\@public.example",
    "a@b@127.0.0.1:PORT",
    "public.example%2F@127.0.0.1:PORT",
    "127.0.0.1:PORT?@public.example",
    "public.example%00@127.1:PORT",
    // Names that lead inside.
    "localhost:PORT",
    "localhost.:PORT",
    "LOCALHOST:PORT",
    "ⓛocalhost:PORT",
    "app.localhost:PORT",
    "localhost.localdomain:PORT",
    "127.0.0.1.wild.example:PORT",
    "7f000001.rebind.example:PORT",
    "metadata.google.internal:PORT",
    "inside.corp:PORT",
    "a_b:PORT",
];

#[tokio::test]
async fn no_spelling_of_an_inner_address_is_ever_connected_to() {
    assert!(FORMS.len() >= 60);
    let counter = Counter::start(EMPTY).await;
    let inside = Answers::new(&[&["127.0.0.1", "::1"]]);
    let guarded = client(Arc::clone(&inside));
    for form in FORMS {
        for scheme in ["https", "http"] {
            let url = format!("{scheme}://{}/mcp", form.replace("PORT", &counter.port.to_string()));
            match ask(&guarded, &url, Reach::Public).await {
                None | Some(Err(HttpError::Refused { .. })) => {}
                Some(other) => panic!("{url}: {other:?}"),
            }
        }
    }
    assert!(inside.asked.load(Ordering::SeqCst) > 8, "the names were asked for");
    assert_eq!(counter.count().await, 0);
    // The listener does count: this machine's own address, typed.
    for url in ["http://127.0.0.1:PORT/", "http://127.1:PORT/", "http://localhost:PORT/"] {
        let url = url.replace("PORT", &counter.port.to_string());
        assert!(ask(&guarded, &url, Reach::Typed).await.unwrap().is_ok(), "{url}");
    }
    assert_eq!(counter.count().await, 3);
}

#[tokio::test]
async fn what_was_typed_opens_this_machine_and_nothing_else() {
    let counter = Counter::start(EMPTY).await;
    let guarded = client(Answers::new(&[&["127.0.0.1"]]));
    let typed = [
        "http://10.0.0.1:PORT/",
        "https://192.168.1.1:PORT/",
        "https://169.254.169.254/",
        "http://0.0.0.0:PORT/",
        "https://[::]:PORT/",
        "https://[::ffff:127.0.0.1]:PORT/",
        "https://inside.example:PORT/",
        "http://inside.example:PORT/",
        "https://[fe80::1]:PORT/",
    ];
    for url in typed {
        let url = url.replace("PORT", &counter.port.to_string());
        let refused = ask(&guarded, &url, Reach::Typed).await.unwrap();
        assert!(matches!(refused, Err(HttpError::Refused { .. })), "{url}: {refused:?}");
    }
    assert_eq!(counter.count().await, 0);
}

#[tokio::test]
async fn a_resolver_that_changes_its_mind_is_asked_once_for_each_connection() {
    let counter = Counter::start(EMPTY).await;
    // Every order of one inner address among public ones: the name is refused as a whole, each time anew.
    let lists: &[&[&str]] = &[
        &["127.0.0.1"],
        &["198.51.100.7", "127.0.0.1"],
        &["8.8.8.8", "127.0.0.1"],
        &["127.0.0.1", "8.8.8.8"],
        &["8.8.8.8", "::1"],
        &["2606:4700::1", "::ffff:127.0.0.1"],
        &["8.8.8.8", "8.8.4.4", "10.0.0.1"],
        &["64:ff9b::7f00:1"],
        &["::1"],
        &["0.0.0.0"],
    ];
    let rebinding = Answers::new(lists);
    let guarded = client(Arc::clone(&rebinding));
    for round in 0..lists.len() {
        let url = format!("https://rebind.example:{}/", counter.port);
        let refused = ask(&guarded, &url, Reach::Public).await.unwrap();
        assert!(matches!(refused, Err(HttpError::Refused { .. })), "{round}: {refused:?}");
    }
    assert_eq!((rebinding.asked.load(Ordering::SeqCst), counter.count().await), (lists.len(), 0));

    // The address that was checked is the one that is connected to: were it asked for a second time, the answer would be
    // another, where the counter listens, too.
    let seen = Counter::start("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    let flipping = Answers::new(&[&["127.0.0.1"], &["0.0.0.0"], &["10.0.0.1"]]);
    let guarded = client(Arc::clone(&flipping));
    let url = format!("http://localhost:{}/", seen.port);
    assert!(ask(&guarded, &url, Reach::Typed).await.unwrap().is_ok());
    assert_eq!((flipping.asked.load(Ordering::SeqCst), seen.count().await), (1, 1));
    for _ in 0..3 {
        let refused = ask(&guarded, &url, Reach::Typed).await.unwrap();
        assert!(matches!(refused, Err(HttpError::Refused { .. })), "{refused:?}");
    }
    assert_eq!((flipping.asked.load(Ordering::SeqCst), seen.count().await), (4, 1));
}

#[tokio::test]
async fn no_redirect_leads_anywhere_but_to_the_same_origin() {
    let inner = Counter::start(EMPTY).await;
    let places = [
        "http://127.0.0.1:PORT/",
        "http://127.1:PORT/",
        "http://[::1]:PORT/",
        "http://localhost:PORT/",
        "//127.0.0.1:PORT/x",
        "http://127.0.0.1@127.0.0.1:PORT/",
        "http://0:PORT/",
        "https://127.0.0.1:PORT/",
        "http://2130706433:PORT/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:127.0.0.1]:PORT/",
        "\\\\127.0.0.1:PORT\\",
        "ftp://127.0.0.1:PORT/",
        "file:///etc/passwd",
        "http://127.0.0.1:PORT#@h.example/",
        "http:127.0.0.1:PORT/",
    ];
    for status in ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"] {
        for place in places {
            let place = place.replace("PORT", &inner.port.to_string());
            let answer = format!(
                "HTTP/1.1 {status}\r\nLocation: {place}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            let outer = Counter::start(&answer).await;
            let guarded = client(Answers::new(&[&["127.0.0.1"]]));
            let url = format!("http://127.0.0.1:{}/mcp", outer.port);
            let answer = ask(&guarded, &url, Reach::Typed).await.unwrap().unwrap();
            assert!(answer.status.is_redirection(), "{status} {place}");
            // Through the transport of remote servers it is an outcome, and no connection either.
            let url = Url::parse(&url).unwrap();
            let limits = Limits { session_seconds: 5, ..Limits::default() };
            let mut link = HttpLink::new(&guarded, url, Reach::Typed, &limits);
            assert!(mcp::list_tools(&mut link, &limits).await.is_err(), "{status} {place}");
        }
    }
    assert_eq!(inner.count().await, 0);
}

#[tokio::test]
async fn a_redirect_within_the_origin_is_checked_again_when_it_connects() {
    let moved = "HTTP/1.1 307 Temporary\r\nLocation: /next\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let outer = Counter::start(moved).await;
    let rebinding = Answers::new(&[&["127.0.0.1"], &["10.0.0.1"]]);
    let guarded = client(Arc::clone(&rebinding));
    let url = format!("http://localhost:{}/mcp", outer.port);
    let refused = ask(&guarded, &url, Reach::Typed).await.unwrap();
    assert!(matches!(refused, Err(HttpError::Refused { .. })), "{refused:?}");
    assert_eq!((rebinding.asked.load(Ordering::SeqCst), outer.count().await), (2, 1));
}
