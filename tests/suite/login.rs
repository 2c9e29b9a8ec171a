//! Remote servers that ask for a login: the outcome `auth-required`, with what they say about it kept and shown as text.

use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};

use crate::sources_fake::{Fake, Place, Reply};

/// A server that answers everything but these paths with 401 and this challenge (`BASE` stands for its own address).
fn guarded(challenge: &'static str, documents: &'static [(&'static str, &'static str)]) -> Fake {
    let base: Arc<OnceLock<String>> = Arc::default();
    let own = Arc::clone(&base);
    let fake = Fake::start(move |asked| {
        let at = own.get().unwrap();
        match documents.iter().find(|(path, _)| *path == asked.path) {
            Some((_, text)) => Reply::json(&serde_json::from_str(&text.replace("BASE", at)).unwrap()),
            None if asked.path.starts_with("/.well-known") => Reply::status(404),
            None if challenge.is_empty() => Reply::status(401),
            None => Reply::status(401).with("WWW-Authenticate", &challenge.replace("BASE", at)),
        }
    });
    base.set(fake.url.to_string()).unwrap();
    fake
}

/// Scans it; its outcome, the line on why, and everything that was kept.
fn scan(place: &Place, fake: &Fake) -> (String, String, String) {
    let output = place.run(&["scan", fake.url.join("mcp").unwrap().as_str(), "--json"]);
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    let kept = place
        .db()
        .query_row(
            "SELECT detail || char(10) || log_tail FROM attempts ORDER BY probe_id DESC LIMIT 1",
            [],
            |row| row.get(0),
        )
        .unwrap();
    (line["outcome"].as_str().unwrap().to_owned(), line["detail"].as_str().unwrap_or("").to_owned(), kept)
}

#[test]
fn a_login_s_metadata_are_kept_and_shown_and_no_login_is_tried() {
    const METADATA: &str = r#"{"resource":"BASEmcp","authorization_servers":["https://login.example/a","https://two.example/\u202e<b>"],
        "scopes_supported":["bells:ring","bells:toll"],"resource_name":"Bells"}"#;
    let fake = guarded(
        r#"Bearer realm="bells", resource_metadata="BASE.well-known/oauth-protected-resource/mcp""#,
        &[("/.well-known/oauth-protected-resource/mcp", METADATA)],
    );
    let place = Place::new("");
    let (outcome, _, kept) = scan(&place, &fake);
    assert_eq!(outcome, "auth-required");
    for part in [
        "status 401",
        "realm=",
        "authorization server: https://login.example/a",
        "scopes: bells:ring bells:toll",
        "resource name: Bells",
    ] {
        assert!(kept.contains(part), "{part}: {kept}");
    }
    assert!(!kept.contains('\u{202e}'));
    let seen = fake.seen();
    assert!(
        seen.iter().all(|asked| asked.header("authorization").is_none() && asked.header("cookie").is_none())
    );
    assert_eq!(seen.len(), 2, "asked once, and its metadata once: {seen:?}");

    assert!(place.run(&["build", "--out", "dist"]).status.success());
    let folder = std::fs::read_dir(place.path("dist/servers/remote")).unwrap().next().unwrap().unwrap();
    let page = std::fs::read_to_string(folder.path().join("index.html")).unwrap();
    for part in [
        "auth-required",
        "https:&#x2F;&#x2F;login.example",
        "authorization server",
        "bells:ring",
        "What it said about that",
    ] {
        assert!(page.contains(part) || page.contains(&part.replace("&#x2F;", "/")), "{part}: {page}");
    }
    assert!(!page.contains("href=\"https://login.example") && !page.contains("<b>https"), "{page}");
}

#[test]
fn metadata_are_looked_for_with_the_server_itself_and_nowhere_else() {
    let elsewhere =
        Fake::start(|_| Reply::json(&json!({"authorization_servers": ["https://stolen.example/"]})));
    let named: &'static str =
        Box::leak(format!("Bearer resource_metadata=\"{}m\"", elsewhere.url).into_boxed_str());
    let (place, fake) = (Place::new(""), guarded(named, &[]));
    let (outcome, _, kept) = scan(&place, &fake);
    assert_eq!(outcome, "auth-required");
    assert!(
        kept.contains(&format!("resource metadata: {}m", elsewhere.url)) && !kept.contains("stolen"),
        "{kept}"
    );
    assert_eq!(elsewhere.seen().len(), 0);

    // Without a challenge: the well-known places, the older one last.
    const OLD: &str = r#"{"issuer":"https://old.example/","token_endpoint":"https://old.example/t"}"#;
    let fake = guarded("", &[("/.well-known/oauth-authorization-server", OLD)]);
    let (outcome, _, kept) = scan(&Place::new(""), &fake);
    assert_eq!(outcome, "auth-required");
    assert!(kept.contains("authorization server: https://old.example/"), "{kept}");
    let paths: Vec<String> = fake.seen().into_iter().map(|asked| asked.path).collect();
    assert_eq!(
        paths,
        [
            "/mcp",
            "/.well-known/oauth-protected-resource/mcp",
            "/.well-known/oauth-protected-resource",
            "/.well-known/oauth-authorization-server"
        ]
    );
}

#[test]
fn an_older_server_s_event_stream_may_ask_for_a_login_too() {
    // A POST is not what it speaks; its event stream wants to know who asks. Both come to the same path.
    let asked_before = std::sync::atomic::AtomicBool::new(false);
    let fake = Fake::start(move |asked| match asked.header("accept") {
        Some("text/event-stream") => Reply::status(401).with("WWW-Authenticate", "Bearer realm=\"old\""),
        _ if asked.path == "/mcp" => {
            asked_before.store(true, std::sync::atomic::Ordering::Relaxed);
            Reply::status(405)
        }
        _ => Reply::status(404),
    });
    let (outcome, _, kept) = scan(&Place::new(""), &fake);
    assert_eq!(outcome, "auth-required");
    assert!(kept.contains("realm=\"old\""), "{kept}");
}

#[test]
fn an_address_with_variables_is_never_asked() {
    let fake = Fake::start(|_| Reply::status(200));
    let place = Place::new("");
    let output = place.run(&["scan", &format!("{}{{tenant}}/mcp", fake.url)]);
    assert!(!output.status.success() || fake.seen().is_empty(), "{:?}", fake.seen());
    assert!(fake.seen().is_empty(), "{:?}", fake.seen());
}
