//! Remote servers on loopback: honest ones of each era and transport, and dishonest ones.

use std::time::{Duration, Instant};

use catalogue::config::limits::Limits;
use catalogue::http::{Client, Reach};
use catalogue::model::Transport;
use catalogue::probe::http_transport::HttpLink;
use catalogue::probe::link::{Link, LinkError, Reply};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::sync::broadcast;
use url::Url;

use super::fake::{Fake, begin, reply, reply_json};

fn link_with(url: &Url, limits: &Limits) -> HttpLink {
    HttpLink::new(&Client::default(), url.clone(), Reach::Typed, limits)
}

fn link(url: &Url) -> HttpLink {
    link_with(url, &Limits { session_seconds: 10, ..Limits::default() })
}

fn result(reply: &Reply) -> Value {
    match reply {
        Reply::Result(raw) => serde_json::from_str(raw.get()).unwrap(),
        Reply::Error { .. } => panic!("{reply:?}"),
    }
}

fn answer(id: u64, result: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": result})
}

fn event(data: &Value) -> String {
    format!("event: message\r\ndata: {data}\r\n\r\n")
}

async fn failure(fake: &Fake) -> LinkError {
    link(&fake.at("/mcp")).call("tools/list", json!({})).await.unwrap_err()
}

#[tokio::test]
async fn a_session_carries_its_id_and_version_and_is_ended() {
    let fake = Fake::start(|seen, mut stream| async move {
        match seen.rpc().as_str() {
            "initialize" => {
                let body = answer(seen.id(), json!({"protocolVersion": "2025-06-18", "capabilities": {}}));
                let head = "Content-Type: application/json\r\nMcp-Session-Id: s-1";
                reply(&mut stream, 200, head, body.to_string().as_bytes()).await
            }
            "tools/list" => {
                reply_json(&mut stream, &answer(seen.id(), json!({"tools": [{"name": "a"}]}))).await
            }
            _ => reply(&mut stream, 202, "", b"").await,
        }
    })
    .await;
    let mut link = link(&fake.at("/mcp?key=1"));
    let hello = link.call("initialize", json!({"protocolVersion": "2025-11-25"})).await.unwrap();
    assert_eq!(result(&hello)["protocolVersion"], "2025-06-18");
    link.notify("notifications/initialized", json!({})).await.unwrap();
    let tools = link.call("tools/list", json!({})).await.unwrap();
    assert_eq!(result(&tools)["tools"][0]["name"], "a");
    assert_eq!(link.transport(), Transport::StreamableHttp);
    link.close().await;
    let seen = fake.seen();
    assert_eq!(
        seen.iter().map(|s| s.method.as_str()).collect::<Vec<_>>(),
        ["POST", "POST", "POST", "DELETE"]
    );
    assert!(seen.iter().all(|s| s.path == "/mcp?key=1"));
    assert_eq!(seen[0].header("mcp-session-id"), "");
    assert_eq!(seen[0].header("accept"), "application/json, text/event-stream");
    for later in &seen[1..] {
        assert_eq!(
            (later.header("mcp-session-id"), later.header("mcp-protocol-version")),
            ("s-1", "2025-06-18")
        );
    }
}

#[tokio::test]
async fn an_event_stream_is_read_to_our_answer_and_its_pings_are_answered() {
    let fake = Fake::start(|seen, mut stream| async move {
        if seen.rpc() != "tools/list" {
            return reply(&mut stream, 202, "", b"").await;
        }
        begin(&mut stream, "text/event-stream; charset=utf-8").await?;
        let others = [
            ": comment\r\n\r\n".to_owned(),
            "data:\r\n\r\n".to_owned(),
            event(&json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {}})),
            event(&json!({"jsonrpc": "2.0", "id": "p", "method": "ping"})),
            event(&json!({"jsonrpc": "2.0", "id": 9, "method": "sampling/createMessage"})),
            event(&answer(77, json!({"tools": []}))),
            event(&answer(seen.id(), json!({"tools": [{"name": "a"}]}))),
        ];
        for text in others {
            stream.write_all(text.as_bytes()).await?;
        }
        // The stream stays open: the answer must be enough.
        tokio::time::sleep(Duration::from_secs(30)).await;
        Ok(())
    })
    .await;
    let begun = Instant::now();
    let tools = link(&fake.at("/mcp")).call("tools/list", json!({})).await.unwrap();
    assert_eq!(result(&tools)["tools"][0]["name"], "a");
    assert!(begun.elapsed() < Duration::from_secs(5));
    let answers: Vec<Value> =
        fake.seen()[1..].iter().map(|s| serde_json::from_str(&s.body).unwrap()).collect();
    assert_eq!(answers[0], json!({"jsonrpc": "2.0", "id": "p", "result": {}}));
    assert_eq!((&answers[1]["id"], &answers[1]["error"]["code"]), (&json!(9), &json!(-32601)));
}

#[tokio::test]
async fn a_stateless_request_mirrors_its_version_and_method() {
    let fake = Fake::start(|seen, mut stream| async move {
        if seen.header("mcp-protocol-version") != "2026-07-28" || seen.header("mcp-method") != seen.rpc() {
            let body = json!({"jsonrpc": "2.0", "id": seen.id(), "error": {"code": -32020, "message": "HeaderMismatch"}});
            return reply(&mut stream, 400, "Content-Type: application/json", body.to_string().as_bytes()).await;
        }
        reply_json(&mut stream, &answer(seen.id(), json!({"resultType": "complete", "tools": []}))).await
    })
    .await;
    let mut link = link(&fake.at("/mcp"));
    let old = link.call("initialize", json!({"protocolVersion": "2025-11-25"})).await.unwrap();
    assert!(matches!(old, Reply::Error { code: -32020, .. }), "{old:?}");
    let meta = json!({"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}});
    assert!(matches!(link.call("server/discover", meta.clone()).await, Ok(Reply::Result(_))));
    assert!(matches!(link.call("tools/list", meta).await, Ok(Reply::Result(_))));
    assert!(
        fake.seen().iter().all(|s| s.method == "POST"),
        "a JSON-RPC error is no reason to try the older transport"
    );
}

/// A server of the older transport: answers go out on the stream that its GET opened.
async fn old_server(endpoint: &'static str) -> Fake {
    let (answers, _) = broadcast::channel::<String>(16);
    Fake::start(move |seen, mut stream| {
        let (answers, mut incoming) = (answers.clone(), answers.subscribe());
        async move {
            match (seen.method.as_str(), seen.path.as_str()) {
                ("GET", "/sse") => {
                    begin(&mut stream, "text/event-stream").await?;
                    stream.write_all(format!("event: endpoint\ndata: {endpoint}\n\n").as_bytes()).await?;
                    while let Ok(text) = incoming.recv().await {
                        stream.write_all(text.as_bytes()).await?;
                    }
                    Ok(())
                }
                ("POST", "/messages?session=1") => {
                    reply(&mut stream, 202, "", b"Accepted").await?;
                    if seen.id() > 0 {
                        let body =
                            answer(seen.id(), json!({"protocolVersion": "2024-11-05", "asked": seen.rpc()}));
                        let _ = answers.send(format!("event: message\ndata: {body}\n\n"));
                    }
                    Ok(())
                }
                _ => reply(&mut stream, 405, "Content-Type: text/plain", b"Method Not Allowed").await,
            }
        }
    })
    .await
}

#[tokio::test]
async fn the_older_transport_is_found_and_spoken() {
    let fake = old_server("/messages?session=1").await;
    let mut link = link(&fake.at("/sse"));
    let hello = link.call("initialize", json!({"protocolVersion": "2025-11-25"})).await.unwrap();
    assert_eq!(result(&hello)["asked"], "initialize");
    link.notify("notifications/initialized", json!({})).await.unwrap();
    let tools = link.call("tools/list", json!({})).await.unwrap();
    assert_eq!(result(&tools)["asked"], "tools/list");
    assert_eq!(link.transport(), Transport::HttpSse);
    let asked: Vec<String> =
        fake.seen().iter().map(|s| format!("{} {} {}", s.method, s.path, s.rpc())).collect();
    assert_eq!(
        asked,
        [
            "POST /sse initialize",
            "GET /sse ",
            "POST /messages?session=1 initialize",
            "POST /messages?session=1 notifications/initialized",
            "POST /messages?session=1 tools/list",
        ]
    );
}

#[tokio::test]
async fn a_message_address_of_another_origin_is_refused() {
    let other = Fake::start(|_, mut stream| async move { reply(&mut stream, 202, "", b"").await }).await;
    let place: &'static str = Box::leak(other.at("/messages").to_string().into_boxed_str());
    for endpoint in [place, "https://h.example/messages", "//h.example/m"] {
        let fake = old_server(endpoint).await;
        let error = link(&fake.at("/sse")).call("initialize", json!({})).await.unwrap_err();
        assert!(matches!(error, LinkError::Protocol { .. }), "{error:?}");
    }
    assert!(other.seen().is_empty());
}

#[tokio::test]
async fn a_login_an_html_page_and_a_redirect_away_are_told_apart() {
    let fake = Fake::start(|_, mut stream| async move {
        reply(&mut stream, 401, "WWW-Authenticate: Bearer realm=\"x\"", b"").await
    })
    .await;
    let error = failure(&fake).await;
    assert!(matches!(&error, LinkError::Auth { detail, .. } if detail.contains("realm")), "{error:?}");
    let fake = Fake::start(|_, mut stream| async move {
        reply(&mut stream, 200, "Content-Type: text/html", b"<html>").await
    })
    .await;
    assert!(matches!(failure(&fake).await, LinkError::NotMcp { .. }));
    let fake = Fake::start(|_, mut stream| async move {
        reply(&mut stream, 404, "Content-Type: text/html", b"no").await
    })
    .await;
    assert!(matches!(failure(&fake).await, LinkError::NotMcp { .. }));
    assert_eq!(fake.seen().len(), 2, "POST, then the older transport's GET");
    let fake = Fake::start(|_, mut stream| async move {
        reply(&mut stream, 307, "Location: http://127.0.0.1:1/", b"").await
    })
    .await;
    assert!(matches!(failure(&fake).await, LinkError::NotMcp { .. }));
    let fake = Fake::start(|_, mut stream| async move { reply(&mut stream, 503, "", b"").await }).await;
    assert!(matches!(failure(&fake).await, LinkError::Network { .. }));
    assert_eq!(fake.seen().len(), 1, "a remote server is never asked twice");
}

#[tokio::test]
async fn a_server_that_hangs_up_or_talks_nonsense_breaks_the_protocol() {
    let fake = Fake::start(|_, stream| async move {
        drop(stream);
        Ok(())
    })
    .await;
    assert!(matches!(failure(&fake).await, LinkError::Network { .. } | LinkError::Closed { .. }));
    let fake = Fake::start(|_, mut stream| async move {
        begin(&mut stream, "text/event-stream").await?;
        stream.write_all(b"data: {\"jsonrpc\"").await?;
        stream.shutdown().await
    })
    .await;
    assert!(matches!(failure(&fake).await, LinkError::Closed { .. }));
    for body in ["[]", "7", "{\"id\":1}", "nonsense", "{\"jsonrpc\":\"2.0\",\"id\":99,\"result\":{}}"] {
        let fake = Fake::start(move |_, mut stream| async move {
            reply(&mut stream, 200, "Content-Type: application/json", body.as_bytes()).await
        })
        .await;
        let error = failure(&fake).await;
        assert!(matches!(error, LinkError::Protocol { .. }), "{body}: {error:?}");
    }
}

#[tokio::test]
async fn floods_end_at_their_bounds() {
    let tight = Limits { line_bytes: 10_000, answer_bytes: 50_000, session_seconds: 20, ..Limits::default() };
    let cases: [(&str, &str, &str); 4] = [
        ("text/event-stream", "", ": nothing but comments\n\n"),
        ("text/event-stream", "data: ", "x"),
        ("text/event-stream", "", "data: {\"jsonrpc\":\"2.0\",\"method\":\"n\"}\n\n"),
        ("application/json", "{\"a\":\"", "x"),
    ];
    for (kind, first, again) in cases {
        let fake = Fake::start(move |_, mut stream| async move {
            begin(&mut stream, kind).await?;
            stream.write_all(first.as_bytes()).await?;
            loop {
                stream.write_all(again.repeat(100).as_bytes()).await?;
            }
        })
        .await;
        let begun = Instant::now();
        let error = link_with(&fake.at("/mcp"), &tight).call("tools/list", json!({})).await.unwrap_err();
        assert!(matches!(error, LinkError::TooLarge { .. }), "{kind} {again:?}: {error:?}");
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
}

#[tokio::test]
async fn silence_and_dripping_end_with_the_session() {
    let short = Limits { session_seconds: 1, ..Limits::default() };
    for kind in ["", "text/event-stream", "application/json"] {
        let fake = Fake::start(move |_, mut stream| async move {
            if kind.is_empty() {
                tokio::time::sleep(Duration::from_secs(30)).await;
                return Ok(());
            }
            begin(&mut stream, kind).await?;
            loop {
                stream.write_all(b":").await?;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        })
        .await;
        let begun = Instant::now();
        let error = link_with(&fake.at("/mcp"), &short).call("tools/list", json!({})).await.unwrap_err();
        assert_eq!(error, LinkError::TimedOut, "{kind}");
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn all_pages_together_are_bounded() {
    let fake = Fake::start(|seen, mut stream| async move {
        reply_json(&mut stream, &answer(seen.id(), json!({"tools": [], "pad": "x".repeat(9_000)}))).await
    })
    .await;
    let tight = Limits { line_bytes: 10_000, answer_bytes: 30_000, session_seconds: 20, ..Limits::default() };
    let mut link = link_with(&fake.at("/mcp"), &tight);
    for _ in 0..3 {
        link.call("tools/list", json!({})).await.unwrap();
    }
    assert!(matches!(link.call("tools/list", json!({})).await, Err(LinkError::TooLarge { .. })));
}

#[tokio::test]
async fn an_answer_that_is_no_utf_8_is_read_and_marked() {
    let fake = Fake::start(|_, mut stream| async move {
        let body = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[{\"name\":\"a\xff\"}]}}";
        reply(&mut stream, 200, "Content-Type: application/json", body).await
    })
    .await;
    let mut link = link(&fake.at("/mcp"));
    let tools = link.call("tools/list", json!({})).await.unwrap();
    assert_eq!(result(&tools)["tools"][0]["name"], "a\u{fffd}");
    assert!(link.encoding_damaged());
}
