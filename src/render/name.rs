//! What a server is called on pages: its registry's title, else its own title, else its package name, never shortened.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use crate::model::slug::{hash_digits, slug};
use crate::model::text::{is_blank, page_line};
use crate::model::{Registry, ServerKey, Untrusted};
use crate::store::site::SiteProbe;

/// Longer than any registry's title; a name beyond this is an attack on the page.
const MAX_NAME: usize = 500;

/// A server as pages name and link it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct ServerName {
    /// What it is called. Foreign text, cleaned.
    pub(super) name: String,
    /// The word "server" has to be added in a sentence: the name does not end in it.
    pub(super) add_word: bool,
    /// Its key, shown beside the name.
    pub(super) key: String,
    /// Its folder below the site's root.
    pub(super) path: String,
}

/// Names a server by its newest answer, else by its newest probe.
pub(super) fn server_name(key: &ServerKey, probe: &SiteProbe) -> ServerName {
    let own = probe.server_info.as_deref().and_then(own_title);
    let title = probe.title.clone().into_iter().chain(own).find(|t| !t.is_blank());
    let name = title.map_or_else(|| key.name().to_owned(), |t| t.for_page_line(MAX_NAME));
    ServerName { add_word: !ends_in_server(&name), name, key: shown_key(key), path: key.site_path() }
}

/// Names what was never asked, by what others say of it.
pub(super) fn declared_name(title: &str, key: &str, path: String) -> ServerName {
    let name = Untrusted::new(title).for_page_line(MAX_NAME);
    let key = Untrusted::new(key).for_page_line(MAX_NAME);
    ServerName { add_word: !ends_in_server(&name), name, key, path }
}

fn own_title(server_info: &str) -> Option<Untrusted> {
    let info: Value = serde_json::from_str(server_info).ok()?;
    info.get("title").and_then(Value::as_str).map(Untrusted::from)
}

fn ends_in_server(name: &str) -> bool {
    let letters: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    letters.ends_with("server")
}

/// A remote server's key holds an address that others chose; the other kinds are plain by their grammar.
fn shown_key(key: &ServerKey) -> String {
    match key.registry() {
        Registry::Remote => {
            let text = key.to_string();
            let shown = Untrusted::new(text.as_str()).for_page_line(MAX_NAME);
            // What is left of two long addresses may read the same.
            if shown == text { shown } else { format!("{shown} ({})", hash_digits(&slug(&text))) }
        }
        _ => key.to_string(),
    }
}

/// A tool's name on one line: invisible characters gone, or spelled out where nothing else is left.
pub(super) fn tool_name(raw: &str, max_chars: usize) -> String {
    shown_name(raw, max_chars).into_owned()
}

/// The same, without a copy of a name that is shown as it is.
pub(super) fn shown_name(raw: &str, max_chars: usize) -> Cow<'_, str> {
    match page_line(raw, max_chars) {
        _ if is_blank(raw) => {
            raw.chars().take(max_chars.div_ceil(8)).flat_map(char::escape_unicode).collect()
        }
        line => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_added_only_where_the_name_does_not_end_in_it() {
        assert!(ends_in_server("GitHub MCP Server"));
        assert!(ends_in_server("mcp-server"));
        assert!(!ends_in_server("Docker"));
        assert!(!ends_in_server("Server Tools"));
    }

    #[test]
    fn a_blank_title_is_no_title() {
        assert_eq!(own_title(r#"{"name":"x","title":"A"}"#), Some(Untrusted::from("A")));
        assert_eq!(own_title(r#"{"name":"x"}"#), None);
        assert_eq!(tool_name("\u{200b}", 80), "\\u{200b}");
        assert_eq!(tool_name(" \u{a0}", 80), "\\u{20}\\u{a0}");
    }
}
