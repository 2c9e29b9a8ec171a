//! One project without a document of its own: read from its page in the simple index and the newest wheel listed there.
//!
//! The wheel's core metadata lies beside it (PEP 658, PEP 714) or inside it; its programs are in `entry_points.txt`, which a
//! request for a range of the wheel brings without the rest.

use serde_json::{Map, Value, json};
use url::Url;

use super::super::settings::TriageSettings;
use super::document::{DOCUMENT_BYTES, Facts, ProjectDocument, facts, signs};
use super::page::newest_wheel;
use super::wheel::{Inside, read_inside};
use crate::http::{Client, HttpError, header};
use crate::model::sign::Sign;
use crate::model::source::Looked;

/// Core metadata with a long description.
const METADATA_BYTES: u64 = 4 * 1024 * 1024;

/// Reads a project's newest wheel, unless the page is as it was.
pub(super) async fn look(
    client: &Client,
    index: &Url,
    name: &str,
    etag: Option<&str>,
    triage: &TriageSettings,
) -> Result<Looked, HttpError> {
    let mut url = index.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push(name).push("");
    }
    let accept = [(header::ACCEPT, super::ACCEPT)];
    let page = match client.get_unless(&url, &accept, etag, DOCUMENT_BYTES).await {
        Ok(None) => return Ok(Looked::Unchanged),
        Ok(Some(page)) => page,
        Err(HttpError::TooLarge { .. }) => {
            return Ok(Looked::Found { signs: Vec::new(), etag: None, facts: None });
        }
        Err(error) if matches!(error.status(), Some(404 | 410)) => return Ok(Looked::Gone),
        Err(error) => return Err(error),
    };
    let etag = page.etag();
    let Some(wheel) = newest_wheel(&page) else {
        return Ok(Looked::Found { signs: Vec::new(), etag, facts: None });
    };
    let beside = if wheel.has_metadata { metadata_beside(client, &wheel.url).await? } else { None };
    let Inside { metadata, entry_points } = read_inside(client, &wheel.url).await?;
    let text = beside.or(metadata);
    let said = text.as_deref().map(read_metadata).unwrap_or_default();
    let info = Facts { yanked: Value::Bool(wheel.yanked), ..said };
    let mut signs = signs(name, &info, triage);
    // A wheel that could not be looked into says nothing of its programs.
    signs.extend(entry_points.map(|text| match has_program(&text) {
        true => Sign::Executable,
        false => Sign::NoExecutable,
    }));
    let file = json!({"filename": wheel.file, "digests": {"sha256": wheel.sha256}});
    let info = Facts { version: Value::from(wheel.version.to_string()), ..info };
    let document = ProjectDocument { info, urls: json!([file]), ..ProjectDocument::default() };
    Ok(Looked::Found { signs, etag, facts: Some(Box::new(facts(name, &document))) })
}

async fn metadata_beside(client: &Client, wheel: &Url) -> Result<Option<String>, HttpError> {
    let mut url = wheel.clone();
    url.set_path(&format!("{}.metadata", wheel.path()));
    match client.get_bytes(&url, &[], METADATA_BYTES).await {
        Ok(document) => Ok(Some(String::from_utf8_lossy(&document.bytes).into_owned())),
        // Promised and not there: it is inside the wheel as well.
        Err(HttpError::TooLarge { .. }) => Ok(None),
        Err(error) if matches!(error.status(), Some(403..=410)) && error.rest().is_none() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Header fields, then an empty line and the long description, or a field of that name.
fn read_metadata(text: &str) -> Facts {
    let (mut read, mut needs, mut links) = (Facts::default(), Vec::new(), Map::new());
    let mut description = String::new();
    let mut lines = text.lines();
    let mut in_description = false;
    for line in lines.by_ref() {
        if line.is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) {
            if in_description {
                description.push_str(line);
                description.push('\n');
            }
            continue;
        }
        let Some((field, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        let field = field.to_ascii_lowercase();
        in_description = field == "description";
        match field.as_str() {
            "requires-dist" => needs.push(Value::from(value)),
            "keywords" => read.keywords = Value::from(value),
            "summary" => read.summary = Value::from(value),
            "home-page" => read.home_page = Value::from(value),
            "author-email" => read.author_email = Value::from(value),
            "maintainer-email" => read.maintainer_email = Value::from(value),
            "project-url" => {
                if let Some((label, address)) = value.split_once(',') {
                    links.insert(label.trim().to_owned(), Value::from(address.trim()));
                }
            }
            "description" => {
                value.clone_into(&mut description);
                description.push('\n');
            }
            _ => {}
        }
    }
    for line in lines {
        description.push_str(line);
        description.push('\n');
    }
    Facts {
        requires_dist: Value::Array(needs),
        project_urls: Value::Object(links),
        description: Value::from(description),
        ..read
    }
}

/// True if `entry_points.txt` names a program.
fn has_program(text: &str) -> bool {
    let mut in_section = false;
    text.lines().map(str::trim).any(|line| {
        if line.starts_with('[') {
            in_section = line == "[console_scripts]";
            return false;
        }
        in_section && line.contains('=') && !line.starts_with(['#', ';'])
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::settings::embedded;
    use super::*;

    #[test]
    fn core_metadata_says_what_a_project_s_document_would() {
        let text = "Metadata-Version: 2.4\nName: pear-mcp\nKeywords: notes,mcp-server\nRequires-Dist: httpx\n\
            Requires-Dist: mcp[cli]>=1.2\nRequires-Dist: pytest; extra == \"dev\"\n\n# Pear\n<!-- mcp-name: x.example/pear -->\n";
        let triage = embedded().triage;
        assert_eq!(
            signs("pear-mcp", &read_metadata(text), &triage),
            [Sign::SdkDependency, Sign::McpNameInReadme, Sign::Keyword]
        );
        let old = "Metadata-Version: 1.2\nDescription: Pear\n        mcp-name: x.example/pear\nRequires-Dist: fastmcp; extra == 'x'\n";
        assert_eq!(
            signs("pear-mcp", &read_metadata(old), &triage),
            [Sign::SdkForDevelopment, Sign::McpNameInReadme]
        );
        assert_eq!(signs("pear-mcp", &read_metadata(""), &triage), []);
    }

    #[test]
    fn only_console_scripts_are_programs() {
        assert!(has_program("[x]\na=b\n\n[console_scripts]\npear = pear:main\n"));
        for text in
            ["", "[gui]\na = b:c\n", "[console_scripts]\n\n[x]\na = b\n", "[console_scripts]\n# a = b\n"]
        {
            assert!(!has_program(text), "{text:?}");
        }
    }
}
