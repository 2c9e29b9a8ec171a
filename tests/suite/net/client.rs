//! Deadlines, caps, retries, redirects and the address guard.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use catalogue::http::{Client, Deadlines, FileError, HeaderMap, HttpError, Method, Reach, Request};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use url::Url;

use super::fake::{Fake, begin, reply, reply_json};

fn impatient() -> Client {
    let short = Duration::from_millis(400);
    Client::new(Deadlines { connect: short, first_byte: short, whole: short, file: short })
}

fn post(url: &Url, reach: Reach) -> Request<'_> {
    Request {
        method: Method::POST,
        url,
        reach,
        headers: HeaderMap::new(),
        body: Some(b"{}".to_vec()),
        cap_bytes: 1000,
        ends_at: tokio::time::Instant::now() + Duration::from_secs(5),
    }
}

#[tokio::test]
async fn a_busy_registry_is_asked_again_after_the_time_it_names() {
    let count = Arc::new(AtomicUsize::new(0));
    let fake = Fake::start(move |_, mut stream| {
        let first = count.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            if first {
                return reply(&mut stream, 429, "Retry-After: 2\r\nContent-Type: text/html", b"slow down")
                    .await;
            }
            reply_json(&mut stream, &json!({"a": 1})).await
        }
    })
    .await;
    let begun = Instant::now();
    let found: Value = Client::default().get_json(&fake.url, &[], 1000).await.unwrap();
    assert_eq!(found["a"], 1);
    assert!(begun.elapsed() >= Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(fake.seen().len(), 2);
    assert!(fake.seen()[0].header("user-agent").starts_with("catalogue/"));
}

#[tokio::test]
async fn four_tries_are_the_most_and_a_missing_page_is_asked_for_once() {
    for (status, tries) in [(503, 4), (404, 1), (500, 1)] {
        let fake =
            Fake::start(move |_, mut stream| async move { reply(&mut stream, status, "", b"").await }).await;
        let error = Client::default().get_bytes(&fake.url, &[], 1000).await.unwrap_err();
        assert_eq!(error.status(), Some(status));
        assert_eq!(fake.seen().len(), tries, "{status}");
    }
}

#[tokio::test]
async fn nobody_there_is_no_network() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let error = Client::default().get_bytes(&url, &[], 1000).await.unwrap_err();
    assert!(matches!(error, HttpError::NoNetwork { .. }), "{error:?}");
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn an_html_page_is_no_json_and_broken_json_is_a_bad_reply() {
    let fake = Fake::start(|seen, mut stream| async move {
        let kind = if seen.path == "/html" { "text/html" } else { "application/json" };
        reply(&mut stream, 200, &format!("Content-Type: {kind}"), b"<html>").await
    })
    .await;
    for path in ["/html", "/json"] {
        let error = Client::default().get_json::<Value>(&fake.at(path), &[], 1000).await.unwrap_err();
        assert!(matches!(error, HttpError::BadReply { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_body_is_cut_at_its_cap_after_decompression() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&vec![0; 20_000_000]).unwrap();
    let bomb = Arc::new(gzip.finish().unwrap());
    assert!(bomb.len() < 100_000);
    let fake = Fake::start(move |seen, mut stream| {
        let bomb = Arc::clone(&bomb);
        async move {
            if seen.path == "/gzip" {
                return reply(&mut stream, 200, "Content-Encoding: gzip", &bomb).await;
            }
            begin(&mut stream, "application/json").await?;
            loop {
                stream.write_all(&[b' '; 4096]).await?;
            }
        }
    })
    .await;
    for path in ["/gzip", "/endless"] {
        let error = Client::default().get_bytes(&fake.at(path), &[], 1_000_000).await.unwrap_err();
        assert!(matches!(error, HttpError::TooLarge { .. }), "{path}: {error:?}");
    }
    assert_eq!(fake.seen().len(), 2, "a body that is too large is not asked for again");
}

#[tokio::test]
async fn silence_and_dripping_end_at_the_deadline() {
    let fake = Fake::start(|seen, mut stream| async move {
        if seen.path == "/drip" {
            begin(&mut stream, "application/json").await?;
            loop {
                stream.write_all(b" ").await?;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        tokio::time::sleep(Duration::from_secs(30)).await;
        Ok(())
    })
    .await;
    for path in ["/drip", "/silent"] {
        let begun = Instant::now();
        let error = impatient().get_bytes(&fake.at(path), &[], 1000).await.unwrap_err();
        assert!(matches!(error, HttpError::TimedOut { .. }), "{path}: {error:?}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{path}");
    }
}

#[tokio::test]
async fn a_registry_may_redirect_three_times_and_to_an_encrypted_line() {
    let fake = Fake::start(|seen, mut stream| async move {
        let to = match seen.path.as_str() {
            "/3" => "/2",
            "/2" => "/1",
            "/1" => "/end",
            "/4" => "/3",
            "/secure" => "https://127.0.0.1:1/",
            _ => return reply_json(&mut stream, &json!({})).await,
        };
        reply(&mut stream, 302, &format!("Location: {to}"), b"").await
    })
    .await;
    let client = Client::default();
    assert!(client.get_bytes(&fake.at("/3"), &[], 1000).await.is_ok());
    let error = client.get_bytes(&fake.at("/4"), &[], 1000).await.unwrap_err();
    assert!(matches!(error, HttpError::Refused { .. }), "{error:?}");
    // Followed, to where nobody listens.
    let error = client.get_bytes(&fake.at("/secure"), &[], 1000).await.unwrap_err();
    assert!(matches!(error, HttpError::NoNetwork { .. }), "{error:?}");
}

#[tokio::test]
async fn a_file_is_written_with_the_hash_of_its_bytes() {
    let fake = Fake::start(|_, mut stream| async move { reply(&mut stream, 200, "", b"abc").await }).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let client = Client::default();
    let hash = client.get_file(&fake.url, &[], 1000, &path).await.unwrap();
    assert_eq!(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(std::fs::read(&path).unwrap(), b"abc");
    let nowhere = client.get_file(&fake.url, &[], 1000, &folder.path().join("no/file")).await;
    assert!(matches!(nowhere, Err(FileError::Disk(_))));
}

#[tokio::test]
async fn a_listed_server_s_address_never_leads_to_this_machine() {
    let fake = Fake::start(|_, mut stream| async move { reply_json(&mut stream, &json!({})).await }).await;
    let port = fake.url.port().unwrap();
    let client = Client::default();
    for text in [
        format!("http://127.0.0.1:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        format!("https://localhost:{port}/"),
        format!("https://localhost.:{port}/"),
        format!("https://x.localhost:{port}/"),
        format!("https://0x7f000001:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
    ] {
        let url = Url::parse(&text).unwrap();
        let error = client.send(post(&url, Reach::Public)).await.unwrap_err();
        // A machine may have no address for these spellings of its name; then it is not reached either.
        let unknown = text.contains("localhost.") || text.contains("x.localhost");
        let missed = unknown && matches!(error, HttpError::NoNetwork { .. });
        assert!(missed || matches!(error, HttpError::Refused { .. }), "{error:?}");
    }
    assert!(fake.seen().is_empty());
    assert!(client.send(post(&fake.url, Reach::Typed)).await.is_ok());
}

#[tokio::test]
async fn a_remote_server_may_redirect_only_within_its_own_origin() {
    let other = Fake::start(|_, mut stream| async move { reply_json(&mut stream, &json!({})).await }).await;
    let elsewhere = other.url.to_string();
    let fake = Fake::start(move |seen, mut stream| {
        let elsewhere = elsewhere.clone();
        async move {
            match seen.path.as_str() {
                "/mcp" => reply(&mut stream, 307, "Location: /mcp/", b"").await,
                "/away" => reply(&mut stream, 307, &format!("Location: {elsewhere}"), b"").await,
                "/loop" => reply(&mut stream, 307, "Location: /loop", b"").await,
                _ => reply_json(&mut stream, &json!({})).await,
            }
        }
    })
    .await;
    let client = Client::default();
    let (near, away, round) = (fake.at("/mcp"), fake.at("/away"), fake.at("/loop"));
    assert_eq!(client.send(post(&near, Reach::Typed)).await.unwrap().status, 200);
    let followed = fake.seen().pop().unwrap();
    assert_eq!(
        (followed.method.as_str(), followed.path.as_str(), followed.body.as_str()),
        ("POST", "/mcp/", "{}")
    );
    assert_eq!(client.send(post(&away, Reach::Typed)).await.unwrap().status, 307);
    assert!(other.seen().is_empty());
    assert_eq!(client.send(post(&round, Reach::Typed)).await.unwrap().status, 307);
    assert_eq!(fake.seen().len(), 2 + 1 + 4);
}

#[tokio::test]
async fn one_host_gets_four_requests_at_a_time() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (n, m) = (Arc::clone(&now), Arc::clone(&most));
    let fake = Fake::start(move |_, mut stream| {
        let (n, m) = (Arc::clone(&n), Arc::clone(&m));
        async move {
            m.fetch_max(n.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(50)).await;
            n.fetch_sub(1, Ordering::SeqCst);
            reply_json(&mut stream, &json!({})).await
        }
    })
    .await;
    let client = Client::default();
    let all = (0..12).map(|_| client.get_bytes(&fake.url, &[], 1000));
    assert!(futures_util::future::join_all(all).await.iter().all(Result::is_ok));
    assert_eq!(most.load(Ordering::SeqCst), 4);
}
