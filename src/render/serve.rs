//! Shows a built site on this machine: a small file server for the loopback address, and nothing else.
//!
//! GET and HEAD only; a request's path is taken apart and must name files below the folder, links are not followed out
//! of it. One thread a connection, one request a connection, all bounded. Not meant for the open net, and refuses it.
//!
//! Text goes compressed to whoever takes that, as from any host of static files: a copy that lies beside the file, or one made here.
//! A site in packs (`pack`) is shown the same way: `tree` and `packed` find the file that a request means and read it, everything else is one.

mod packed;
mod tree;

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::digest::Digest;
use super::media::content_type;
use super::pack::directory::DIRECTORY;
use super::pack::listing::is_shown;
use packed::Packed;
use tree::Tree;

/// Longest request head.
const MAX_HEAD: usize = 16 * 1024;
/// Connections at one time.
const MAX_CONNECTIONS: usize = 64;
/// How long one read or write may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves `dir`, a built site or its packs, on `address` until the process ends.
///
/// # Errors
/// An address that is not loopback or is taken, or a folder that is not there.
pub fn serve(dir: &Path, address: SocketAddr) -> io::Result<()> {
    listen(dir, address)?.run()
}

/// A server that has its address and does not answer yet.
pub struct Listening {
    site: Arc<Site>,
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
    let root = fs_err::canonicalize(dir)?;
    let in_packs = is_in_packs(&root);
    let site = Arc::new(if in_packs { Site::Packed(Packed::new(root)) } else { Site::Tree(Tree::new(root)) });
    Ok(Listening { site, listener: TcpListener::bind(address)? })
}

/// True if a folder holds the packs of a site and not the site.
pub fn is_in_packs(dir: &Path) -> bool {
    dir.join(DIRECTORY).is_file() && !dir.join("index.html").exists()
}

/// What is shown.
enum Site {
    Tree(Tree),
    Packed(Packed),
}

impl Site {
    fn find(&self, wanted: &Wanted) -> Option<Found> {
        match self {
            Self::Tree(tree) => tree.find(wanted),
            Self::Packed(packed) => packed.find(wanted),
        }
    }

    /// The page for what is not there, unpacked.
    fn missing(&self) -> Option<String> {
        let name = "404.html".to_owned();
        let wanted = Wanted { name, slash: false, gzip: false, brotli: false };
        let Some(Found::File(body)) = self.find(&wanted) else { return None };
        String::from_utf8(body.bytes).ok()
    }
}

/// What a request asks for.
struct Wanted {
    /// The path below the root, without slashes at its ends; empty for the root.
    name: String,
    /// It ends with a slash, or is the root.
    slash: bool,
    /// What the other side takes.
    gzip: bool,
    brotli: bool,
}

/// What a request means.
enum Found {
    File(Body),
    /// A folder asked for without the slash at its end: relative links would go wrong.
    Folder,
}

/// A file as it is sent.
struct Body {
    name: String,
    encoding: Encoding,
    /// Of the file, however it is sent.
    digest: Digest,
    bytes: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Plain,
    Gzip,
    Brotli,
}

impl Encoding {
    /// Its line in the head, and what tells this form of a file from the others.
    fn spelled(self) -> (&'static str, &'static str) {
        match self {
            Self::Plain => ("", ""),
            Self::Gzip => ("Content-Encoding: gzip\r\n", "-gz"),
            Self::Brotli => ("Content-Encoding: br\r\n", "-br"),
        }
    }
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
            let (site, open) = (Arc::clone(&self.site), Arc::clone(&open));
            std::thread::spawn(move || {
                // The other side may be gone at any time; there is nobody left to tell.
                let _ = converse(&site, &mut stream);
                open.fetch_sub(1, Ordering::AcqRel);
            });
        }
        Ok(())
    }
}

fn converse(site: &Site, stream: &mut TcpStream) -> io::Result<()> {
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
    match wanted(target, &head).and_then(|wanted| site.find(&wanted)) {
        Some(Found::File(body)) => {
            let (encoding, form) = body.encoding.spelled();
            let tag = format!("\"{}{form}\"", body.digest);
            let kind = content_type(&body.name);
            // Asked anew each time, because the site may have been built again; sent only if it is another one.
            let more = format!("{encoding}Vary: Accept-Encoding\r\nETag: {tag}\r\n");
            if field(&head, "if-none-match").is_some_and(|known| known.contains(&tag)) {
                return send(stream, "304 Not Modified", kind, &more, &[], false);
            }
            send(stream, "200 OK", kind, &more, &body.bytes, with_body)
        }
        Some(Found::Folder) => redirect(stream, target.split(['?', '#']).next().unwrap_or_default()),
        None => not_found(site, stream, with_body),
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

/// What a request's head asks for, if that can be the name of a file below the root.
fn wanted(target: &str, head: &str) -> Option<Wanted> {
    let path = decode(target.split(['?', '#']).next()?.strip_prefix('/')?)?;
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    // No hidden files, no way up, nothing that another system would read as a drive or a separator.
    if !parts.iter().all(|part| is_shown(part)) {
        return None;
    }
    let accepted = field(head, "accept-encoding").unwrap_or_default();
    let takes = |wanted: &str| {
        let mut all = accepted.split(',').map(|one| one.split(';').map(str::trim));
        all.any(|mut one| one.next() == Some(wanted) && one.all(|weight| !matches!(weight, "q=0" | "q=0.0")))
    };
    let slash = path.is_empty() || path.ends_with('/');
    Some(Wanted { name: parts.join("/"), slash, gzip: takes("gzip"), brotli: takes("br") })
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

/// The site's own page for this, with its links counted from the root: it may be shown at any depth.
fn not_found(site: &Site, stream: &mut TcpStream, with_body: bool) -> io::Result<()> {
    let page = site.missing().unwrap_or_else(|| "not found\n".to_owned());
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

fn redirect(stream: &mut TcpStream, path: &str) -> io::Result<()> {
    let place = format!("{path}/");
    // `//host/` would leave this machine, a line feed would end the header.
    let safe = !place.starts_with("//") && !place.chars().any(char::is_control);
    let place = if safe { place.as_str() } else { "/" };
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
