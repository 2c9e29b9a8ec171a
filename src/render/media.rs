//! What a file of the site is sent as: its type by its ending, and whether it is worth compressing. The server of a tree, the packs and
//! the edge function (`site/edge/_worker.js`, which has the same table) go by it.

/// Shorter texts are sent as they are.
const PACKED_FROM: u64 = 1024;
/// The type of an unknown ending.
const UNKNOWN: &str = "application/octet-stream";

/// The type of a file, by its name.
pub(super) fn content_type(name: &str) -> &'static str {
    let last = name.rsplit('/').next().unwrap_or_default();
    match last.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map(|(_, end)| end) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("yaml") => "application/yaml; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("xml") => "application/xml",
        Some("txt" | "md") => "text/plain; charset=utf-8",
        _ => UNKNOWN,
    }
}

/// True if a file of that name and size goes compressed to whoever takes that.
pub(super) fn goes_packed(name: &str, bytes: u64) -> bool {
    bytes >= PACKED_FROM && !matches!(content_type(name), UNKNOWN | "image/png")
}
