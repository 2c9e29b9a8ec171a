//! Shows a built site on this machine: a small file server for the loopback address, and nothing else.
//!
//! GET and HEAD only; a request's path is taken apart and must name files below the folder, links are not followed out
//! of it. One thread a connection, one request a connection, all bounded. Not meant for the open net, and refuses it.
//!
//! Text goes compressed to whoever takes that, as from any host of static files: a copy that lies beside the file, or one made here.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use flate2::write::GzEncoder;

use crate::model::digest::sha256_hex;

/// Longest request head.
const MAX_HEAD: usize = 16 * 1024;
/// Connections at one time.
const MAX_CONNECTIONS: usize = 64;
/// Shorter texts are sent as they are.
const PACKED_FROM: usize = 1024;
/// How long one read or write may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves `dir` on `address` until the process ends.
///
/// # Errors
/// An address that is not loopback or is taken, or a folder that is not there.
pub fn serve(dir: &Path, address: SocketAddr) -> io::Result<()> {
    listen(dir, address)?.run()
}

/// A server that has its address and does not answer yet.
pub struct Listening {
    root: Arc<PathBuf>,
    listener: TcpListener,
}

/// Takes the address; port 0 takes a free one, see [`Listening::address`].
///
/// # Errors
/// As [`serve`].
pub fn listen(dir: &Path, address: SocketAddr) -> io::Result<Listening> {
    if !address.ip().is_loopback() {
        let text = format!("{address} is not on this machine; use 127.0.0.1 or [::1]");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let root = Arc::new(fs_err::canonicalize(dir)?);
    Ok(Listening { root, listener: TcpListener::bind(address)? })
}

impl Listening {
    /// The address that was taken.
    ///
    /// # Errors
    /// None that was seen: the socket is ours.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until the process ends. A connection that fails costs that connection.
    ///
    /// # Errors
    /// The listening socket itself breaking.
    pub fn run(self) -> io::Result<()> {
        let open = Arc::new(AtomicUsize::new(0));
        for stream in self.listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            if open.load(Ordering::Acquire) >= MAX_CONNECTIONS {
                let _ = answer(
                    &mut stream,
                    "503 Service Unavailable",
                    "text/plain; charset=utf-8",
                    b"busy\n",
                    true,
                );
                continue;
            }
            open.fetch_add(1, Ordering::AcqRel);
            let (root, open) = (Arc::clone(&self.root), Arc::clone(&open));
            std::thread::spawn(move || {
                // The other side may be gone at any time; there is nobody left to tell.
                let _ = converse(&root, &mut stream);
                open.fetch_sub(1, Ordering::AcqRel);
            });
        }
        Ok(())
    }
}

fn converse(root: &Path, stream: &mut TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let plain = "text/plain; charset=utf-8";
    let Some(head) = read_head(stream)? else {
        return answer(
            stream,
            "431 Request Header Fields Too Large",
            plain,
            b"request head too large\n",
            true,
        );
    };
    let mut words = head.lines().next().unwrap_or_default().split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let with_body = match method {
        "GET" => true,
        "HEAD" => false,
        _ => return answer(stream, "405 Method Not Allowed", plain, b"only GET and HEAD\n", true),
    };
    match find(root, target) {
        Some(Found::File(file)) => match read(&file, &head) {
            Ok(Body { encoding, bytes }) => {
                let tag = format!("\"{}\"", sha256_hex(&bytes));
                let kind = content_type(&file);
                // Asked anew each time, because the site may have been built again; sent only if it is another one.
                let more = format!("{encoding}Vary: Accept-Encoding\r\nETag: {tag}\r\n");
                if field(&head, "if-none-match").is_some_and(|known| known.contains(&tag)) {
                    return send(stream, "304 Not Modified", kind, &more, &[], false);
                }
                send(stream, "200 OK", kind, &more, &bytes, with_body)
            }
            Err(_) => not_found(root, stream, with_body),
        },
        Some(Found::Folder(place)) => redirect(stream, &place),
        None => not_found(root, stream, with_body),
    }
}

/// Reads up to the empty line; None if the head is longer than [`MAX_HEAD`].
fn read_head(stream: &mut TcpStream) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    let mut part = [0; 2048];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() > MAX_HEAD {
            return Ok(None);
        }
        match stream.read(&mut part)? {
            0 => break,
            n => head.extend_from_slice(part.get(..n).unwrap_or_default()),
        }
    }
    Ok(Some(String::from_utf8_lossy(&head).into_owned()))
}

/// A field of a request's head.
fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    fields.find(|(own, _)| own.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// A file as it is sent.
struct Body {
    /// The line that says how it is packed; empty if it is not.
    encoding: &'static str,
    bytes: Vec<u8>,
}

/// The file, packed if the other side takes that and it is worth it.
fn read(file: &Path, head: &str) -> io::Result<Body> {
    let accepted = field(head, "accept-encoding").unwrap_or_default();
    let takes = |wanted: &str| {
        let mut all = accepted.split(',').map(|one| one.split(';').map(str::trim));
        all.any(|mut one| one.next() == Some(wanted) && one.all(|weight| !matches!(weight, "q=0" | "q=0.0")))
    };
    for (name, encoding, end) in
        [("br", "Content-Encoding: br\r\n", "br"), ("gzip", "Content-Encoding: gzip\r\n", "gz")]
    {
        let copy = PathBuf::from(format!("{}.{end}", file.display()));
        // A link may lead anywhere: what is a file by itself is none.
        if takes(name) && std::fs::symlink_metadata(&copy).is_ok_and(|facts| facts.is_file()) {
            return Ok(Body { encoding, bytes: fs_err::read(copy)? });
        }
    }
    let bytes = fs_err::read(file)?;
    let is_text = !matches!(content_type(file), "application/octet-stream" | "image/png");
    if !is_text || bytes.len() < PACKED_FROM || !takes("gzip") {
        return Ok(Body { encoding: "", bytes });
    }
    let mut writer = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(&bytes)?;
    Ok(Body { encoding: "Content-Encoding: gzip\r\n", bytes: writer.finish()? })
}

enum Found {
    File(PathBuf),
    /// A folder asked for without the slash at its end: relative links would go wrong.
    Folder(String),
}

/// The file a request's target means, if it is inside the folder.
fn find(root: &Path, target: &str) -> Option<Found> {
    let path = target.split(['?', '#']).next()?.strip_prefix('/')?;
    let path = decode(path)?;
    let mut file = root.to_owned();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        // No hidden files, no way up, nothing that another system would read as a drive or a separator.
        if part.starts_with('.') || part.contains(['\\', ':', '\0']) {
            return None;
        }
        file.push(part);
    }
    if file.is_dir() {
        if !path.is_empty() && !path.ends_with('/') {
            return Some(Found::Folder(format!("{}/", target.split(['?', '#']).next()?)));
        }
        file.push("index.html");
    }
    let file = std::fs::canonicalize(file).ok()?;
    (file.starts_with(root) && file.is_file()).then_some(Found::File(file))
}

/// Percent-decoding to UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

fn content_type(file: &Path) -> &'static str {
    match file.extension().and_then(|e| e.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("yaml") => "application/yaml; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("xml") => "application/xml",
        Some("txt" | "md") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// The site's own page for this, with its links counted from the root: it may be shown at any depth.
fn not_found(root: &Path, stream: &mut TcpStream, with_body: bool) -> io::Result<()> {
    let page = fs_err::read_to_string(root.join("404.html")).unwrap_or_else(|_| "not found\n".to_owned());
    // Here the site's root is the top of the host, whatever it will be elsewhere.
    let page = match page.split_once("<base href=\"") {
        Some((before, rest)) => {
            let after = rest.split_once("\">").map_or("", |(_, after)| after);
            format!("{before}<base href=\"/\">{after}")
        }
        None => page.replacen("<head>", "<head>\n<base href=\"/\">", 1),
    };
    answer(stream, "404 Not Found", "text/html; charset=utf-8", page.as_bytes(), with_body)
}

fn redirect(stream: &mut TcpStream, place: &str) -> io::Result<()> {
    // `//host/` would leave this machine, a line feed would end the header.
    let safe = !place.starts_with("//") && !place.chars().any(char::is_control);
    let place = if safe { place } else { "/" };
    let head = format!(
        "HTTP/1.1 301 Moved Permanently\r\nLocation: {place}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())
}

fn answer(stream: &mut TcpStream, status: &str, kind: &str, body: &[u8], with_body: bool) -> io::Result<()> {
    send(stream, status, kind, "", body, with_body)
}

fn send(
    stream: &mut TcpStream,
    status: &str,
    kind: &str,
    more: &str,
    body: &[u8],
    with_body: bool,
) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n{more}X-Content-Type-Options: nosniff\r\n\
         Cache-Control: no-cache\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    if with_body {
        stream.write_all(body)?;
    }
    stream.flush()
}
