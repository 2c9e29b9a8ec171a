//! The file server for looking at a site: loopback only, GET and HEAD only, nothing outside the folder.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use catalogue::render::serve::{listen, serve};

fn ask(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // The server may answer and hang up before it has read everything.
    let _ = stream.write_all(request);
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply);
    String::from_utf8_lossy(&reply).into_owned()
}

fn get(address: SocketAddr, target: &str) -> String {
    ask(address, format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes())
}

#[test]
fn only_files_of_the_folder_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("dist");
    std::fs::create_dir_all(root.join("a b")).unwrap();
    std::fs::write(folder.path().join("secret.txt"), "secret").unwrap();
    std::fs::write(root.join("index.html"), "<h1>home</h1>").unwrap();
    std::fs::write(root.join("a b/index.html"), "<h1>inner</h1>").unwrap();
    std::fs::write(root.join("404.html"), "<html><head>\n</head>gone</html>").unwrap();
    std::fs::write(root.join("s.css"), "x").unwrap();
    std::fs::write(root.join(".hidden"), "secret").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path().join("secret.txt"), root.join("link.txt")).unwrap();
    let listening = listen(&root, "127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listening.address().unwrap();
    std::thread::spawn(move || listening.run());

    let home = get(address, "/?x=1");
    assert!(
        home.starts_with("HTTP/1.1 200 OK\r\n")
            && home.contains("text/html")
            && home.ends_with("<h1>home</h1>")
    );
    assert!(get(address, "/a%20b/").ends_with("<h1>inner</h1>"));
    assert!(get(address, "/a%20b").contains("Location: /a%20b/\r\n"));
    assert!(get(address, "/s.css").contains("text/css"));
    let head = ask(address, b"HEAD /index.html HTTP/1.1\r\n\r\n");
    assert!(head.contains("Content-Length: 13") && head.ends_with("\r\n\r\n"));
    for target in [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/a%20b/../../secret.txt",
        "/.hidden",
        "/link.txt",
        "//etc/passwd",
        "/%00",
        "/%ff",
        "/%",
        "/a%5c..%5csecret.txt",
        "nothing",
        "/gone.html",
    ] {
        let reply = get(address, target);
        assert!(!reply.contains("secret") && !reply.contains("root:"), "{target}: {reply}");
        assert!(reply.starts_with("HTTP/1.1 404"), "{target}: {reply}");
        assert!(reply.contains("<base href=\"/\">"), "{target}");
    }
    // A page of a site that will lie in a folder of its host: here its root is the top.
    let page = "<html><head>\n<base href=\"/sub/\">\n<link href=\"static/x\"></head>gone</html>";
    std::fs::write(root.join("404.html"), page).unwrap();
    let reply = get(address, "/deep/down/gone.html");
    assert!(reply.contains("<base href=\"/\">\n<link href=\"static/x\"></head>gone"), "{reply}");
    assert!(!reply.contains("/sub/"), "{reply}");
    assert!(ask(address, b"POST / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405"));
    let long = format!("GET / HTTP/1.1\r\nX: {}\r\n", "x".repeat(40_000));
    assert!(!ask(address, long.as_bytes()).contains("200 OK"));
}

/// Bytes behind the head of a reply, and the head.
fn parts(address: SocketAddr, request: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).unwrap();
    let at = reply.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
    (String::from_utf8(reply[..at].to_vec()).unwrap(), reply[at..].to_vec())
}

#[test]
fn text_is_packed_for_whoever_takes_that_and_sent_once() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let text = "many words ".repeat(500);
    std::fs::write(root.join("a.html"), &text).unwrap();
    std::fs::write(root.join("b.html"), &text).unwrap();
    std::fs::write(root.join("b.html.br"), "packed before").unwrap();
    std::fs::write(root.join("short.html"), "short").unwrap();
    std::fs::write(root.join("c.png"), &text).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", root.join("short.html.br")).unwrap();
    let listening = listen(root, "127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listening.address().unwrap();
    std::thread::spawn(move || listening.run());
    let get =
        |path: &str, more: &str| parts(address, &format!("GET /{path} HTTP/1.1\r\nHost: x\r\n{more}\r\n"));

    let (head, body) = get("a.html", "Accept-Encoding: deflate, gzip;q=0.8, br\r\n");
    assert!(head.contains("Content-Encoding: gzip\r\n") && head.contains("Vary: Accept-Encoding"), "{head}");
    let mut unpacked = String::new();
    flate2::read::GzDecoder::new(body.as_slice()).read_to_string(&mut unpacked).unwrap();
    assert_eq!(unpacked, text);
    assert!(body.len() < 500, "{} bytes", body.len());
    for (path, takes) in [
        ("a.html", ""),
        ("a.html", "Accept-Encoding: gzip;q=0\r\n"),
        ("a.html", "Accept-Encoding: br\r\n"),
        ("short.html", "Accept-Encoding: gzip, br\r\n"),
        ("c.png", "Accept-Encoding: gzip\r\n"),
    ] {
        let (head, body) = get(path, takes);
        assert!(!head.contains("Content-Encoding"), "{path} {takes}: {head}");
        assert_eq!(body, std::fs::read(root.join(path)).unwrap(), "{path} {takes}");
    }
    let (head, body) = get("b.html", "accept-encoding: gzip, br\r\n");
    assert!(head.contains("Content-Encoding: br\r\n") && body == b"packed before", "{head}");

    let (head, _) = get("a.html", "");
    let tag = head.split("ETag: ").nth(1).unwrap().lines().next().unwrap();
    let (head, body) = get("a.html", &format!("If-None-Match: {tag}\r\n"));
    assert!(head.starts_with("HTTP/1.1 304") && body.is_empty(), "{head}");
    std::fs::write(root.join("a.html"), "another").unwrap();
    let (head, body) = get("a.html", &format!("If-None-Match: {tag}\r\n"));
    assert!(head.starts_with("HTTP/1.1 200") && body == b"another", "{head}");
}

#[test]
fn only_this_machine_may_ask() {
    let folder = tempfile::tempdir().unwrap();
    let error = serve(folder.path(), "0.0.0.0:0".parse().unwrap()).unwrap_err();
    assert!(error.to_string().contains("127.0.0.1"), "{error}");
}
