//! The pieces of a definition that can be taken out, bounded: whoever wrote it may have written megabytes.

use serde_json::Value;

use super::{Piece, Removal};
use crate::classify::words::{Word, of_name, of_prose};
use crate::model::{Evidence, ToolDefinition};

/// Words of a name, a title or a first sentence; sentences; parameters; listed values.
const WORDS: usize = 60;
const SENTENCES: usize = 40;
const PARAMETERS: usize = 60;
const VALUES: usize = 60;
/// Bytes of a description that are split.
const TEXT_BYTES: usize = 16 * 1024;

/// What the evidence points at, strongest first, without doubles.
pub(super) fn of_evidence(tool: &ToolDefinition, evidence: &[Evidence]) -> Vec<Removal> {
    let mut found: Vec<Removal> = Vec::new();
    for one in evidence {
        let pieces = [words_of(tool, one), parameter_of(tool, &one.field), hint(tool, &one.field)];
        for removal in pieces.into_iter().flatten() {
            if !found.contains(&removal) {
                found.push(removal);
            }
        }
    }
    found
}

/// The words of a piece of evidence, or the listed value that they are.
fn words_of(tool: &ToolDefinition, evidence: &Evidence) -> Option<Removal> {
    let span = evidence.span?;
    let item = evidence.field.strip_suffix("/const").unwrap_or(&evidence.field);
    let (list, _) = item.rsplit_once('/')?;
    if tool.object().pointer(list).is_some_and(Value::is_array) {
        return listed(tool, &evidence.field);
    }
    Some(words(Piece::Words, &evidence.field, span, &evidence.text))
}

fn words(piece: Piece, field: &str, span: [usize; 2], text: &str) -> Removal {
    Removal {
        piece,
        field: field.to_owned(),
        span: Some(span),
        text: text.to_owned(),
        characters: solid(text),
    }
}

/// Characters that are no white space.
fn solid(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

fn listed(tool: &ToolDefinition, field: &str) -> Option<Removal> {
    let text = tool.object().pointer(field)?.as_str()?.to_owned();
    let characters = solid(&text);
    Some(Removal { piece: Piece::ListedValue, field: field.to_owned(), span: None, text, characters })
}

/// The parameter that a pointer leads to or into.
fn parameter_of(tool: &ToolDefinition, field: &str) -> Option<Removal> {
    let inner = field.strip_prefix("/inputSchema")?;
    let mut end = None;
    let parts: Vec<&str> = inner.split('/').skip(1).collect();
    // "properties" at every second place is the keyword; a parameter may be called that, too.
    let (mut at, mut length) = (0, "/inputSchema".len());
    while let (Some(keyword), Some(key)) = (parts.get(at), parts.get(at + 1)) {
        let (step, passes) = match *keyword {
            "properties" => (keyword.len() + key.len() + 2, true),
            "items" => (keyword.len() + 1, false),
            _ => break,
        };
        length += step;
        at += if passes { 2 } else { 1 };
        if passes {
            end = Some(length);
        }
    }
    parameter(tool, field.get(..end?)?)
}

fn parameter(tool: &ToolDefinition, pointer: &str) -> Option<Removal> {
    let value = tool.object().pointer(pointer)?;
    let key = pointer.rsplit('/').next()?.replace("~1", "/").replace("~0", "~");
    let characters = solid(&key) + solid(&value.to_string());
    let field = pointer.to_owned();
    Some(Removal { piece: Piece::Parameter, field, span: None, text: key, characters })
}

fn hint(tool: &ToolDefinition, field: &str) -> Option<Removal> {
    let key = field.strip_prefix("/annotations/")?;
    let value = tool.hint(key)?;
    let characters = key.len() + value.to_string().len();
    let text = key.to_owned();
    Some(Removal { piece: Piece::Hint, field: field.to_owned(), span: None, text, characters })
}

/// Adds every piece that is worth a try, spoken about or not.
pub(super) fn of_definition(tool: &ToolDefinition, found: &mut Vec<Removal>) {
    let start = |text: &str| text.chars().take(TEXT_BYTES).collect::<String>();
    let name = start(tool.name());
    each_word(&name, "/name", of_name(&name), found);
    for field in ["/title", "/annotations/title"] {
        if let Some(title) = tool.object().pointer(field).and_then(Value::as_str) {
            let title = start(title);
            each_word(&title, field, of_name(&title), found);
        }
    }
    if let Some(description) = tool.description() {
        let description = start(description);
        let sentences = sentences(&description);
        if let Some((_, first)) = sentences.first() {
            // It begins the text, white space in front of it included: places in it are places in the text.
            each_word(first, "/description", of_prose(first), found);
        }
        for (from, text) in sentences.iter().take(SENTENCES).filter(|(_, text)| !text.trim().is_empty()) {
            let span = [*from, from + text.chars().count()];
            found.push(words(Piece::Sentence, "/description", span, text));
        }
    }
    for name in ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"] {
        found.extend(hint(tool, &format!("/annotations/{name}")));
    }
    let properties = tool.object().pointer("/inputSchema/properties").and_then(Value::as_object);
    let mut values = 0;
    for (key, value) in properties.into_iter().flatten().take(PARAMETERS) {
        let pointer = format!("/inputSchema/properties/{}", key.replace('~', "~0").replace('/', "~1"));
        found.extend(parameter(tool, &pointer));
        let listed_here = value.get("enum").and_then(Value::as_array).map_or(0, Vec::len);
        for index in 0..listed_here.min(VALUES.saturating_sub(values)) {
            found.extend(listed(tool, &format!("{pointer}/enum/{index}")));
            values += 1;
        }
    }
}

fn each_word<'t>(
    text: &'t str,
    field: &str,
    split: impl Iterator<Item = Word<'t>>,
    found: &mut Vec<Removal>,
) {
    for word in split.take(WORDS) {
        let chars = |to: usize| text.get(..to).map_or(0, |t| t.chars().count());
        if let Some(spelled) = text.get(word.start..word.end) {
            found.push(words(Piece::Words, field, [chars(word.start), chars(word.end)], spelled));
        }
    }
}

/// The sentences of a text, each with the place of its first character, in characters.
fn sentences(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let (mut from, mut sentence) = (0, String::new());
    let mut chars = text.chars().enumerate().peekable();
    while let Some((at, c)) = chars.next() {
        sentence.push(c);
        let next = chars.peek().map(|(_, c)| *c);
        let ends = match c {
            '.' | '!' | '?' => next.is_none_or(char::is_whitespace),
            '。' | '！' | '？' => true,
            '\n' => !sentence.trim().is_empty(),
            _ => false,
        };
        if ends || next.is_none() {
            found.push((from, std::mem::take(&mut sentence)));
            from = at + 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_cover_the_text_and_know_their_places() {
        let text = "  Löscht v1.2 alles. 列出文件。Then?\nEnd";
        let found = sentences(text);
        let texts: Vec<&str> = found.iter().map(|(_, t)| t.as_str()).collect();
        assert_eq!(texts, ["  Löscht v1.2 alles.", " 列出文件。", "Then?", "\nEnd"]);
        for (from, sentence) in &found {
            let cut: String = text.chars().skip(*from).take(sentence.chars().count()).collect();
            assert_eq!(&cut, sentence);
        }
    }

    #[test]
    fn the_parameter_of_a_pointer_is_the_innermost_one() {
        let tool = ToolDefinition::from_json(
            r#"{"name":"x","inputSchema":{"properties":{"properties":{"properties":{"a/b":{"enum":["x"]}}},
                "list":{"items":{"properties":{"url":{}}}}}}}"#,
        )
        .unwrap();
        let of = |field: &str| parameter_of(&tool, field).map(|r| (r.field, r.text));
        let inner = "/inputSchema/properties/properties/properties/a~1b";
        assert_eq!(of(&format!("{inner}/enum/0")), Some((inner.to_owned(), "a/b".to_owned())));
        let in_list = "/inputSchema/properties/list/items/properties/url";
        assert_eq!(of(in_list), Some((in_list.to_owned(), "url".to_owned())));
        assert_eq!(of("/inputSchema"), None);
        assert_eq!(of("/name"), None);
    }
}
