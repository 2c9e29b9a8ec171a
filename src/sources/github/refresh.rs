//! What is at the HEAD of many repositories, with one GraphQL question for up to a hundred of them.
//!
//! Over its limit the service answers 200 with an error in the text; a question that is too much for it is asked in halves.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::cut;
use super::repository::Repository;
use super::{Ask, below, fields};
use crate::http::HttpError;

/// A hundred repositories with manifests of some KiB each.
const ANSWER_BYTES: u64 = 48 * 1024 * 1024;
/// A longer manifest is none.
pub(super) const MANIFEST_BYTES: usize = 256 * 1024;
/// Questions that met the limit and are asked again after it.
const AGAIN: u32 = 3;

/// The manifests that are read, and what each is called in the question.
pub(super) const MANIFESTS: [(&str, &str); 4] =
    [("m0", "server.json"), ("m1", "package.json"), ("m2", "pyproject.toml"), ("m3", "smithery.yaml")];

/// What one repository's HEAD holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fresh {
    /// The commit.
    pub(super) head: Option<String>,
    /// What it was forked from.
    pub(super) parent: Option<Parent>,
    /// Manifests that are there, by path.
    pub(super) manifests: BTreeMap<String, String>,
}

/// What a repository was forked from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parent {
    /// Its number.
    pub(super) id: Option<u64>,
    /// `owner/name`.
    pub(super) full_name: String,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    data: Value,
    #[serde(default)]
    errors: Vec<Value>,
}

/// Asks for these repositories; the answer is by node id. One that is gone is left out.
pub(super) async fn refresh(
    ask: &Ask<'_>,
    repositories: &[Repository],
) -> Result<BTreeMap<String, Fresh>, HttpError> {
    let ids: Vec<&str> = repositories.iter().map(|repository| repository.node_id.as_str()).collect();
    let at_once = ask.settings.github.refresh_size.clamp(1, 100) as usize;
    let mut waiting: Vec<&[&str]> = ids.chunks(at_once).rev().collect();
    let mut found = BTreeMap::new();
    while let Some(ids) = waiting.pop() {
        match nodes(ask, ids).await {
            Ok(some) => found.extend(some),
            Err(error) if is_too_much(&error) && ids.len() > 1 => {
                let (first, second) = ids.split_at(ids.len() / 2);
                waiting.extend([second, first]);
            }
            // One that cannot be read keeps what the search said of it.
            Err(HttpError::TooLarge { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

fn is_too_much(error: &HttpError) -> bool {
    match error {
        HttpError::TooLarge { .. } | HttpError::TimedOut { .. } => true,
        HttpError::Registry { status, retry_after: None, .. } => matches!(status.as_u16(), 502 | 504),
        _ => false,
    }
}

async fn nodes(ask: &Ask<'_>, ids: &[&str]) -> Result<BTreeMap<String, Fresh>, HttpError> {
    let question = json!({"query": question(), "variables": {"ids": ids}});
    let data = asked(ask, &question, |data| data["nodes"].is_array()).await?;
    Ok(data["nodes"].as_array().into_iter().flatten().filter_map(fresh).collect())
}

/// The data that answers a question, if `is_whole` finds it to be that; over the limit it is asked again after it.
pub(super) async fn asked(
    ask: &Ask<'_>,
    question: &Value,
    is_whole: impl Fn(&Value) -> bool,
) -> Result<Value, HttpError> {
    let url = below(ask.address, &["graphql"]);
    let mut tries = 0;
    loop {
        let document = ask.client.post_question(&url, &fields(ask), question, ANSWER_BYTES).await?;
        let answer: Answer = document.json()?;
        if let Some(said) = answer.errors.iter().find(|error| is_limit(error)) {
            let wait = ask.client.leave_alone(&url, None);
            tracing::info!(?wait, said = %said["type"], "GitHub's limit is reached");
            tries += 1;
            if tries > AGAIN {
                return Err(HttpError::Resting { url: crate::http::shown(&url), wait });
            }
            continue;
        }
        if !is_whole(&answer.data) {
            let said = answer.errors.first().and_then(|error| error["message"].as_str()).unwrap_or("nothing");
            let why = format!("its answer has no repositories; it says {:?}", cut(said, 200));
            return Err(HttpError::BadReply { url: crate::http::shown(&url), why });
        }
        return Ok(answer.data);
    }
}

fn is_limit(error: &Value) -> bool {
    let message = error["message"].as_str().unwrap_or_default().to_ascii_lowercase();
    error["type"] == "RATE_LIMITED" || error["type"] == "RATE_LIMIT" || message.contains("rate limit")
}

fn question() -> String {
    let blobs: String = MANIFESTS
        .iter()
        .map(|(name, path)| {
            format!(" {name}: object(expression: \"HEAD:{path}\") {{ ... on Blob {{ text }} }}")
        })
        .collect();
    format!(
        "query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Repository {{ id parent {{ databaseId nameWithOwner }} \
         defaultBranchRef {{ target {{ oid }} }}{blobs} }} }} rateLimit {{ cost remaining resetAt }} }}"
    )
}

fn fresh(node: &Value) -> Option<(String, Fresh)> {
    let id = node.get("id")?.as_str()?.to_owned();
    let head = node["defaultBranchRef"]["target"]["oid"].as_str().map(|oid| cut(oid, 64));
    let parent = node["parent"]["nameWithOwner"]
        .as_str()
        .map(|name| Parent { id: node["parent"]["databaseId"].as_u64(), full_name: cut(name, 200) });
    let text = |name: &str| node[name]["text"].as_str().filter(|text| text.len() <= MANIFEST_BYTES);
    let manifests = MANIFESTS
        .iter()
        .filter_map(|(name, path)| Some(((*path).to_owned(), text(name)?.to_owned())))
        .collect();
    Some((id, Fresh { head, parent, manifests }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_read_as_far_as_it_goes() {
        let node = json!({"id": "R_1", "parent": null, "defaultBranchRef": {"target": {"oid": "abc"}},
            "m0": null, "m1": {"text": "{}"}, "m2": {"text": null}, "m3": {}});
        let (id, found) = fresh(&node).unwrap();
        assert_eq!((id.as_str(), found.head.as_deref()), ("R_1", Some("abc")));
        assert_eq!(found.manifests.keys().collect::<Vec<_>>(), ["package.json"]);
        assert!(fresh(&Value::Null).is_none() && fresh(&json!({})).is_none());
        assert!(is_limit(&json!({"type": "RATE_LIMITED"})));
        assert!(is_limit(&json!({"message": "You have exceeded a secondary rate limit."})));
        assert!(!is_limit(&json!({"type": "NOT_FOUND", "message": "x"})));
    }
}
