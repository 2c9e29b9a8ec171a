//! The provenance of a release's file: where the simple index says it is, else at the index's integrity endpoint.
//!
//! Source: PEP 740 (`provenance` of a file in the simple index, null where there is none); the index API's integrity endpoint,
//! `…/integrity/PROJECT/VERSION/FILE/provenance`.

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::super::provenance::{self, PROVENANCE_BYTES, of_pypi};
use super::document::DOCUMENT_BYTES;
use crate::http::{Client, HttpError, Reach, header};
use crate::model::identity::{NewestRelease, ProvenanceSaid};

const ACCEPT: &str = "application/vnd.pypi.integrity.v1+json, application/json;q=0.5";

#[derive(Deserialize)]
struct Page {
    files: Vec<Value>,
}

/// What a project's page says of one file.
enum Place {
    /// The page does not speak of provenance.
    Unknown,
    /// There is none.
    Nowhere,
    At(Url),
}

/// Reads what the index holds for the release's file.
pub(in crate::sources) async fn provenance(
    client: &Client,
    index: &Url,
    name: &str,
    newest: &NewestRelease,
) -> Result<ProvenanceSaid, HttpError> {
    let Some(file) = newest.file.as_deref() else { return Ok(ProvenanceSaid::None) };
    let url = match place(client, index, name, file).await? {
        Place::Nowhere => return Ok(ProvenanceSaid::None),
        Place::At(url) => url,
        Place::Unknown => match endpoint(index, name, &newest.version, file) {
            Some(url) => url,
            None => return Ok(ProvenanceSaid::None),
        },
    };
    let fields = [(header::ACCEPT, ACCEPT)];
    let answer = client.get_listed(&url, Reach::Anywhere, &fields, PROVENANCE_BYTES).await;
    Ok(match provenance::document(answer)? {
        Ok(document) => of_pypi(&document, newest),
        Err(said) => said,
    })
}

async fn place(client: &Client, index: &Url, name: &str, file: &str) -> Result<Place, HttpError> {
    let mut url = index.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push(name).push("");
    }
    let fields = [(header::ACCEPT, super::ACCEPT)];
    let answer = client.get_listed(&url, Reach::Anywhere, &fields, DOCUMENT_BYTES).await;
    Ok(match provenance::document(answer)? {
        Ok(page) => read(&page, &url, file),
        Err(_) => Place::Unknown,
    })
}

fn read(page: &Value, at: &Url, file: &str) -> Place {
    let Ok(page) = Page::deserialize(page) else { return Place::Unknown };
    let is_it = |one: &&Value| one.get("filename").and_then(Value::as_str) == Some(file);
    match page.files.iter().find(is_it).and_then(|one| one.get("provenance")) {
        None => Place::Unknown,
        // Nobody but the index itself is asked what the index attests.
        Some(Value::String(link)) => match at.join(link) {
            Ok(url) if url.origin() == at.origin() => Place::At(signed_in(url, at)),
            _ => Place::Unknown,
        },
        Some(_) => Place::Nowhere,
    }
}

/// The same with the index's user and password.
fn signed_in(mut url: Url, index: &Url) -> Url {
    // Both fail only for addresses that cannot have them.
    let _ = url.set_username(index.username());
    let _ = url.set_password(index.password());
    url
}

/// Beside `…/simple/`, as the documents of projects are.
fn endpoint(index: &Url, name: &str, version: &str, file: &str) -> Option<Url> {
    let root = index.path().trim_end_matches('/').strip_suffix("/simple")?.to_owned();
    let mut url = index.clone();
    url.set_path(&root);
    url.path_segments_mut().ok()?.pop_if_empty().extend(["integrity", name, version, file, "provenance"]);
    Some(url)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_index_itself_is_asked() {
        let at = Url::parse("https://me:pw@i.example/simple/pear/").unwrap();
        let of = |said: Value| {
            let page =
                json!({"files": [{"filename": "other.whl"}, {"filename": "pear.whl", "provenance": said}]});
            match read(&page, &at, "pear.whl") {
                Place::Unknown => "unknown".to_owned(),
                Place::Nowhere => "nowhere".to_owned(),
                Place::At(url) => url.to_string(),
            }
        };
        assert_eq!(
            of(json!("/integrity/pear/1/pear.whl/provenance")),
            "https://me:pw@i.example/integrity/pear/1/pear.whl/provenance"
        );
        for elsewhere in
            ["https://evil.example/x", "http://i.example/x", "https://169.254.169.254/", "file:///etc/passwd"]
        {
            assert_eq!(of(json!(elsewhere)), "unknown", "{elsewhere}");
        }
        assert_eq!(of(Value::Null), "nowhere");
        assert!(matches!(read(&json!({"files": 7}), &at, "x"), Place::Unknown));
        assert!(matches!(read(&json!({"files": [{"filename": "x"}]}), &at, "x"), Place::Unknown));
    }

    #[test]
    fn the_endpoint_lies_beside_the_simple_index() {
        let of = |index: &str| {
            endpoint(&Url::parse(index).unwrap(), "a-b", "1.0", "a_b-1.0.tar.gz").map(String::from)
        };
        let whole = "https://r.example/x/integrity/a-b/1.0/a_b-1.0.tar.gz/provenance";
        assert_eq!(of("https://r.example/x/simple/").as_deref(), Some(whole));
        assert_eq!(of("https://r.example/ann/dev/+simple/"), None);
    }
}
