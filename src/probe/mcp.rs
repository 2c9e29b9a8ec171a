//! The protocol, over any [`Link`]: both eras, all pages, each tool by itself from raw JSON.
//!
//! The old handshake first: 44 of 44 live servers answered it, 15 of them also `server/discover` (research/live.md
//! section 2). Typed decoding of a whole list lost every tool in 11 of 13 malformed lists, so entries stay raw.

mod careful;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::link::{Link, LinkError, Reply};
use crate::config::limits::Limits;
use crate::model::tool::ToolDefinition;
use crate::model::{MalformedTool, SeenTool, Untrusted};

/// The revision asked for in the handshake; servers of any older one answer with theirs.
pub const REVISION: &str = "2025-11-25";
/// The revision without a handshake, asked for where the handshake is refused.
pub const STATELESS_REVISION: &str = "2026-07-28";
/// Longest `instructions` that is kept, in characters.
const MAX_INSTRUCTIONS: usize = 64 * 1024;
/// After so many entries others come to their turn.
const TURN: usize = 256;
/// Longest cursor that is sent back.
const MAX_CURSOR: usize = 64 * 1024;
/// Most bytes that are kept of an entry that is no tool.
const MAX_MALFORMED: usize = 64 * 1024;
/// JSON-RPC 2.0 section 5.1: the method does not exist.
const METHOD_NOT_FOUND: i64 = -32601;

/// What a server answered.
#[derive(Debug, Default)]
pub struct Listing {
    /// Revision agreed on, or assumed where nothing was said.
    pub protocol: Option<String>,
    /// `serverInfo` as it came.
    pub server_info: Option<String>,
    /// `capabilities` as they came.
    pub capabilities: Option<String>,
    /// `instructions`.
    pub instructions: Option<Untrusted>,
    /// Pages of the list.
    pub pages: u32,
    /// The tools in the order they came.
    pub tools: Vec<SeenTool>,
    /// Entries that are no tools.
    pub malformed: Vec<MalformedTool>,
    /// Findings on the wire.
    pub marks: BTreeSet<&'static str>,
}

/// Why there is no list.
#[derive(Debug)]
pub enum ListError {
    /// The link broke or met a bound.
    Link(LinkError),
    /// A cursor came twice, or there were more pages than allowed.
    Pagination(String),
    /// More tools than allowed.
    TooManyTools(u32),
    /// The server refuses to list.
    Refused {
        /// JSON-RPC error code.
        code: i64,
        /// What it says about it.
        message: Untrusted,
    },
    /// The answer has another shape.
    Shape(String),
}

impl From<LinkError> for ListError {
    fn from(error: LinkError) -> Self {
        ListError::Link(error)
    }
}

/// Asks for the whole tool list: `initialize` first, then `server/discover`, then a bare `tools/list`.
///
/// # Errors
/// [`ListError`]; never a panic, whatever the server says.
pub async fn list_tools<L: Link>(link: &mut L, limits: &Limits) -> Result<Listing, ListError> {
    let mut listing = Listing::default();
    let hello = json!({
        "protocolVersion": REVISION,
        "capabilities": {},
        "clientInfo": client_info(),
    });
    let meta = match link.call("initialize", hello).await? {
        Reply::Result(result) => {
            read_hello(&result, &mut listing);
            link.notify("notifications/initialized", json!({})).await?;
            None
        }
        Reply::Error { .. } => {
            match link.call("server/discover", json!({"_meta": stateless_meta()})).await? {
                Reply::Result(result) => {
                    read_hello(&result, &mut listing);
                    listing.protocol = Some(STATELESS_REVISION.to_owned());
                    Some(stateless_meta())
                }
                Reply::Error { .. } => None,
            }
        }
    };
    collect_pages(link, limits, meta, &mut listing).await?;
    Ok(listing)
}

fn client_info() -> Value {
    json!({"name": "catalogue", "version": env!("CARGO_PKG_VERSION")})
}

/// Required in every request of the revision without a handshake.
/// Source: MCP specification 2026-07-28, basic/versioning and server/discover.
fn stateless_meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": STATELESS_REVISION,
        "io.modelcontextprotocol/clientInfo": client_info(),
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

#[derive(Debug, Deserialize)]
struct Hello<'a> {
    #[serde(borrow, rename = "protocolVersion")]
    protocol: Option<&'a RawValue>,
    #[serde(borrow, rename = "serverInfo")]
    server_info: Option<&'a RawValue>,
    #[serde(borrow)]
    capabilities: Option<&'a RawValue>,
    #[serde(borrow)]
    instructions: Option<&'a RawValue>,
}

/// Reads an object field by field. An array is none: serde would take its members for the fields, by their order.
fn object<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, ()> {
    if !raw.get().trim_start().starts_with('{') {
        return Err(());
    }
    serde_json::from_str(raw.get()).map_err(drop)
}

/// Whatever of it can be read: a server with an odd greeting still has tools.
fn read_hello(result: &RawValue, listing: &mut Listing) {
    let Ok(hello) = object::<Hello<'_>>(result) else {
        listing.marks.insert("odd-greeting");
        return;
    };
    let text = |raw: Option<&RawValue>| raw.and_then(|r| serde_json::from_str::<String>(r.get()).ok());
    listing.protocol = text(hello.protocol).filter(|p| p.len() <= 40);
    listing.server_info = hello.server_info.map(|r| r.get().to_owned()).filter(|t| t.len() <= MAX_MALFORMED);
    listing.capabilities =
        hello.capabilities.map(|r| r.get().to_owned()).filter(|t| t.len() <= MAX_MALFORMED);
    listing.instructions = text(hello.instructions)
        .map(|t| Untrusted::new(t.chars().take(MAX_INSTRUCTIONS).collect::<String>()));
}

#[derive(Debug, Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
    #[serde(borrow, rename = "nextCursor")]
    next_cursor: Option<&'a RawValue>,
}

async fn collect_pages<L: Link>(
    link: &mut L,
    limits: &Limits,
    meta: Option<Value>,
    listing: &mut Listing,
) -> Result<(), ListError> {
    let mut seen_cursors = BTreeSet::new();
    let mut seen_names = BTreeSet::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut params = serde_json::Map::new();
        if let Some(cursor) = &cursor {
            params.insert("cursor".to_owned(), json!(cursor));
        }
        if let Some(meta) = &meta {
            params.insert("_meta".to_owned(), meta.clone());
        }
        let result = match link.call("tools/list", Value::Object(params)).await? {
            Reply::Result(result) => result,
            // A server of prompts or resources alone says so: it has no tools, and that is an answer.
            Reply::Error { code: METHOD_NOT_FOUND, .. }
                if listing.server_info.is_some() && listing.pages == 0 =>
            {
                listing.marks.insert("no-tools-method");
                return Ok(());
            }
            Reply::Error { code, message } => return Err(ListError::Refused { code, message }),
        };
        listing.pages += 1;
        let page: Page<'_> = object(&result)
            .map_err(|()| ListError::Shape("the result of tools/list is no object".to_owned()))?;
        let entries =
            page.tools.ok_or_else(|| ListError::Shape("the result of tools/list has no tools".to_owned()))?;
        let entries: Vec<&RawValue> = serde_json::from_str(entries.get())
            .map_err(|_| ListError::Shape("tools in the result of tools/list is no list".to_owned()))?;
        for (at, entry) in entries.into_iter().enumerate() {
            if at % TURN == TURN - 1 {
                tokio::task::yield_now().await;
            }
            if listing.tools.len() + listing.malformed.len() >= limits.tools as usize {
                return Err(ListError::TooManyTools(limits.tools));
            }
            keep_entry(entry.get(), listing, &mut seen_names);
        }
        // An empty cursor is a cursor; only its absence or null ends the list.
        let Some(next) = page.next_cursor.filter(|c| c.get() != "null") else { return Ok(()) };
        let next: String = serde_json::from_str(next.get())
            .map_err(|_| ListError::Shape("nextCursor is no text".to_owned()))?;
        if next.len() > MAX_CURSOR {
            return Err(ListError::Shape(format!("a cursor has more than {} KiB", MAX_CURSOR / 1024)));
        }
        if !seen_cursors.insert(next.clone()) {
            return Err(ListError::Pagination("a cursor came twice".to_owned()));
        }
        if listing.pages >= limits.pages {
            return Err(ListError::Pagination(format!("more than {} pages", limits.pages)));
        }
        cursor = Some(next);
    }
}

/// One entry as it came; a lone surrogate is mended so that one bad escape does not cost the tool.
fn keep_entry(raw: &str, listing: &mut Listing, names: &mut BTreeSet<String>) {
    match ToolDefinition::from_json(raw) {
        Ok(tool) => push_tool(&tool, raw.to_owned(), listing, names),
        Err(problem) => match mended(raw).map(|text| (ToolDefinition::from_json(&text), text)) {
            Some((Ok(tool), text)) => {
                listing.marks.insert("encoding-damaged");
                push_tool(&tool, text, listing, names);
            }
            _ => listing.malformed.push(MalformedTool {
                raw: raw.chars().take(MAX_MALFORMED).collect(),
                problem: problem.to_string(),
            }),
        },
    }
}

fn push_tool(tool: &ToolDefinition, raw: String, listing: &mut Listing, names: &mut BTreeSet<String>) {
    if !names.insert(tool.name().to_owned()) {
        listing.marks.insert("duplicate-name");
    }
    listing.marks.extend(careful::marks(&raw));
    listing.tools.push(SeenTool { hash: tool.hash().clone(), name: Untrusted::new(tool.name()), raw });
}

/// Lone surrogate escapes as `\ufffd`; None if there are none.
fn mended(raw: &str) -> Option<String> {
    static PAIR: LazyLock<regex::Regex> = LazyLock::new(|| {
        regex::Regex::new(
            r"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}",
        )
        .expect("the pattern is constant and was tried in the test below")
    });
    let mut changed = false;
    let text = PAIR.replace_all(raw, |found: &regex::Captures<'_>| {
        let hit = &found[0];
        if hit.len() == 6 {
            changed = true;
            "\\ufffd".to_owned()
        } else {
            hit.to_owned()
        }
    });
    changed.then(|| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers from a list, in order, and remembers what was asked.
    struct Script {
        answers: Vec<Result<Reply, LinkError>>,
        asked: Vec<(String, Value)>,
    }

    impl Link for Script {
        async fn call(&mut self, method: &str, params: Value) -> Result<Reply, LinkError> {
            self.asked.push((method.to_owned(), params));
            if self.answers.is_empty() { Err(LinkError::TimedOut) } else { self.answers.remove(0) }
        }

        async fn notify(&mut self, method: &str, params: Value) -> Result<(), LinkError> {
            self.asked.push((method.to_owned(), params));
            Ok(())
        }
    }

    fn result(text: &str) -> Result<Reply, LinkError> {
        Ok(Reply::Result(RawValue::from_string(text.to_owned()).unwrap()))
    }

    fn refused(code: i64) -> Result<Reply, LinkError> {
        Ok(Reply::Error { code, message: Untrusted::new("no") })
    }

    async fn listed(
        answers: Vec<Result<Reply, LinkError>>,
    ) -> (Result<Listing, ListError>, Vec<(String, Value)>) {
        let mut script = Script { answers, asked: Vec::new() };
        let limits = Limits { pages: 5, tools: 4, ..Limits::default() };
        (list_tools(&mut script, &limits).await, script.asked)
    }

    const HELLO: &str =
        r#"{"protocolVersion":"2024-11-05","serverInfo":{"name":"x"},"capabilities":{"tools":{}}}"#;

    #[tokio::test]
    async fn an_empty_cursor_is_a_cursor_and_a_repeated_one_ends_the_list() {
        let (ok, asked) = listed(vec![
            result(HELLO),
            result(r#"{"tools":[{"name":"a"}],"nextCursor":""}"#),
            result(r#"{"tools":[{"name":"b"}],"nextCursor":null}"#),
        ])
        .await;
        let listing = ok.unwrap();
        assert_eq!(
            (listing.tools.len(), listing.pages, listing.protocol.as_deref()),
            (2, 2, Some("2024-11-05"))
        );
        assert_eq!(asked.last().unwrap().1, json!({"cursor": ""}));
        let page = r#"{"tools":[],"nextCursor":"x"}"#;
        let (twice, _) = listed(vec![result(HELLO), result(page), result(page)]).await;
        assert!(matches!(twice, Err(ListError::Pagination(_))));
    }

    #[tokio::test]
    async fn one_malformed_tool_costs_one_tool() {
        let (ok, _) = listed(vec![
            result(HELLO),
            result(r#"{"tools":[{"name":"a"},5,{"name":"b","description":"\ud800 x"},{"title":"no name"}]}"#),
        ])
        .await;
        let listing = ok.unwrap();
        assert_eq!((listing.tools.len(), listing.malformed.len()), (2, 2));
        assert!(listing.marks.contains("encoding-damaged"));
    }

    #[tokio::test]
    async fn a_server_without_a_handshake_is_asked_in_the_newer_way_and_then_bare() {
        let (ok, asked) = listed(vec![
            refused(-32601),
            result(r#"{"serverInfo":{"name":"n"}}"#),
            result(r#"{"tools":[{"name":"a"}]}"#),
        ])
        .await;
        assert_eq!(ok.unwrap().protocol.as_deref(), Some(STATELESS_REVISION));
        assert!(asked[2].1.pointer("/_meta/io.modelcontextprotocol~1protocolVersion").is_some());
        let (bare, asked) =
            listed(vec![refused(-32601), refused(-32601), result(r#"{"tools":[{"name":"a"}]}"#)]).await;
        assert_eq!((bare.unwrap().tools.len(), asked.len()), (1, 3));
    }

    #[tokio::test]
    async fn no_tools_method_is_no_tools_and_too_many_are_too_many() {
        let (none, _) = listed(vec![result(HELLO), refused(-32601)]).await;
        assert_eq!(none.unwrap().tools.len(), 0);
        let many = r#"{"tools":[{"name":"a"},{"name":"b"},{"name":"c"},{"name":"d"},{"name":"e"}]}"#;
        let (many, _) = listed(vec![result(HELLO), result(many)]).await;
        assert!(matches!(many, Err(ListError::TooManyTools(4))));
    }
}
