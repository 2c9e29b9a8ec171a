//! What a provenance says, as npm and PyPI serve them: which repository a release was made from, by which workflow, at which commit.
//!
//! Statements are read, their signatures are not checked: the registries say that they check them when they take a release, and
//! a registry that lies about it could lie about anything. What is checked is that a statement is about the file in question.
//! Source: in-toto Statement v0.1 and v1; SLSA Provenance v0.2 and v1; npm, "Generating provenance statements"; PEP 740.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use super::cut;
use crate::http::{HttpError, Listed};
use crate::model::identity::{NewestRelease, Provenance, ProvenanceSaid, RepositoryClaim};

/// A statement with its certificate has some 20 KiB; a release of many files has one a file.
pub(super) const PROVENANCE_BYTES: u64 = 2 * 1024 * 1024;
/// Attestations read of one document.
const ATTESTATIONS: usize = 20;
const TEXT_CHARS: usize = 300;

/// An answer as a document; what is not there says nothing, and neither does what cannot be read.
///
/// # Errors
/// [`HttpError`] where the same question may well be answered another time.
pub(super) fn document(
    answer: Result<Listed, HttpError>,
) -> Result<Result<Value, ProvenanceSaid>, HttpError> {
    let unusable = |why: &str| Ok(Err(ProvenanceSaid::Unusable(why.to_owned())));
    match answer {
        Ok(answer) if answer.status.is_success() => match serde_json::from_slice(&answer.bytes) {
            Ok(value) => Ok(Ok(value)),
            Err(_) => unusable("what the registry answers is no provenance"),
        },
        Ok(answer) => {
            tracing::debug!(status = %answer.status, "no provenance");
            Ok(Err(ProvenanceSaid::None))
        }
        Err(HttpError::TooLarge { .. }) => unusable("it is too large"),
        Err(error) => Err(error),
    }
}

/// Reads npm's document of a release's attestations: the first SLSA provenance that is about this release.
pub(super) fn of_npm(document: &Value, purl: &str, newest: &NewestRelease) -> ProvenanceSaid {
    let all = document.get("attestations").and_then(Value::as_array).into_iter().flatten();
    let slsa = all.take(ATTESTATIONS).filter(|one| {
        let kind = one.get("predicateType").and_then(Value::as_str);
        kind.is_some_and(|kind| kind.contains("slsa.dev/provenance"))
    });
    let mut why = None;
    for one in slsa {
        let payload = one.pointer("/bundle/dsseEnvelope/payload").and_then(Value::as_str);
        let Some(statement) = payload.and_then(decoded) else {
            why = Some("its statement cannot be read".to_owned());
            continue;
        };
        if let Err(other) = is_about(&statement, purl, newest) {
            why = Some(other);
            continue;
        }
        match made_from(&statement, &newest.version) {
            Some(found) => return ProvenanceSaid::Of(found),
            None => why = Some("its statement names no repository".to_owned()),
        }
    }
    why.map_or(ProvenanceSaid::None, ProvenanceSaid::Unusable)
}

/// Reads PyPI's provenance of a file: the first publisher with a repository whose attestations are about this file.
pub(super) fn of_pypi(document: &Value, newest: &NewestRelease) -> ProvenanceSaid {
    let bundles = document.get("attestation_bundles").and_then(Value::as_array).into_iter().flatten();
    let mut why = None;
    for bundle in bundles.take(ATTESTATIONS) {
        let Some(publisher) = bundle.get("publisher") else { continue };
        let text = |key: &str| publisher.get(key).and_then(Value::as_str).map(|text| cut(text, TEXT_CHARS));
        let kind = text("kind").unwrap_or_default();
        let forge = match kind.as_str() {
            "GitHub" => "github.com",
            "GitLab" => "gitlab.com",
            _ => {
                why = Some("its publisher is no repository".to_owned());
                continue;
            }
        };
        let address = text("repository").map(|path| format!("https://{forge}/{path}"));
        let Some(repository) = address.and_then(|address| RepositoryClaim::read(&address, None)) else {
            why = Some("its publisher names no repository".to_owned());
            continue;
        };
        let attestations = bundle.get("attestations").and_then(Value::as_array).into_iter().flatten();
        let statements: Vec<Value> = attestations
            .take(ATTESTATIONS)
            .filter_map(|one| decoded(one.pointer("/envelope/statement")?.as_str()?))
            .collect();
        let file = newest.file.as_deref().unwrap_or_default();
        if let Some(Err(other)) =
            statements.iter().map(|one| is_about(one, file, newest)).find(Result::is_err)
        {
            why = Some(other);
            continue;
        }
        return ProvenanceSaid::Of(Provenance {
            version: newest.version.clone(),
            publisher: kind,
            repository,
            workflow: text("workflow").or_else(|| text("workflow_filepath")),
            commit: statements.iter().find_map(|one| made_from(one, "")?.commit),
        });
    }
    why.map_or(ProvenanceSaid::None, ProvenanceSaid::Unusable)
}

/// A statement, which travels in base 64.
fn decoded(payload: &str) -> Option<Value> {
    static READER: LazyLock<GeneralPurpose> = LazyLock::new(|| {
        let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        GeneralPurpose::new(&base64::alphabet::STANDARD, lenient)
    });
    let text: String = payload.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    serde_json::from_slice(&READER.decode(text).ok()?).ok()
}

/// A hash as npm writes it (`sha512-` and base 64) in our way.
pub(super) fn digest_of_integrity(integrity: &str) -> Option<String> {
    let strongest = integrity.split_whitespace().find_map(|one| one.strip_prefix("sha512-"))?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(strongest).ok()?;
    (bytes.len() == 64).then(|| format!("sha512:{}", hex::encode(bytes)))
}

/// Whether a statement is about this release: by the hash the registry states of it, else by its name.
fn is_about(statement: &Value, name: &str, newest: &NewestRelease) -> Result<(), String> {
    let subjects: Vec<&Value> =
        statement.get("subject").and_then(Value::as_array).into_iter().flatten().take(ATTESTATIONS).collect();
    if let Some((kind, hash)) = newest.digest.as_deref().and_then(|digest| digest.split_once(':')) {
        let mut stated = subjects.iter().filter_map(|one| one.get("digest")?.get(kind)?.as_str()).peekable();
        if stated.peek().is_some() {
            let same = stated.any(|stated| stated.eq_ignore_ascii_case(hash));
            return if same { Ok(()) } else { Err("its statement is about another file".to_owned()) };
        }
    }
    let named = |one: &&Value| one.get("name").and_then(Value::as_str) == Some(name);
    let is_one = subjects.iter().any(named);
    if is_one { Ok(()) } else { Err("its statement is about another release".to_owned()) }
}

/// The source that a statement names, in either form of its predicate.
fn made_from(statement: &Value, version: &str) -> Option<Provenance> {
    let at = |path: &str| statement.pointer(&format!("/predicate{path}"));
    let text = |path: &str| at(path).and_then(Value::as_str);
    let source = text("/buildDefinition/externalParameters/workflow/repository")
        .or_else(|| text("/buildDefinition/externalParameters/source"))
        .or_else(|| text("/invocation/configSource/uri"))?;
    // What follows the path is a branch or a tag: `git+https://github.com/ann/notes@refs/heads/main`.
    let source = source.split_once("@refs/").map_or(source, |(address, _)| address);
    let id = at("/buildDefinition/internalParameters/github/repository_id")
        .or_else(|| at("/invocation/environment/GITHUB_REPOSITORY_ID"))
        .and_then(|id| id.as_u64().or_else(|| id.as_str()?.parse().ok()));
    let repository = RepositoryClaim::read(source, None)?.with_id(id);
    let publisher = match repository.forge.as_str() {
        "github.com" => "GitHub".to_owned(),
        "gitlab.com" => "GitLab".to_owned(),
        other => cut(other, TEXT_CHARS),
    };
    let workflow = text("/buildDefinition/externalParameters/workflow/path")
        .or_else(|| text("/invocation/configSource/entryPoint"));
    let made_of = at("/buildDefinition/resolvedDependencies").and_then(Value::as_array).into_iter().flatten();
    let commit = made_of
        .filter_map(|one| one.pointer("/digest/gitCommit")?.as_str())
        .next()
        .or_else(|| text("/invocation/configSource/digest/sha1"));
    Some(Provenance {
        version: version.to_owned(),
        publisher,
        repository,
        workflow: workflow.map(|path| cut(path, TEXT_CHARS)),
        commit: commit.map(|commit| cut(commit, 64)),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn encoded(statement: &Value) -> String {
        base64::engine::general_purpose::STANDARD.encode(statement.to_string())
    }

    fn release() -> NewestRelease {
        NewestRelease {
            version: "1.2.0".to_owned(),
            file: Some("pear_mcp-1.2.0-py3-none-any.whl".to_owned()),
            digest: Some("sha512:ab12".to_owned()),
        }
    }

    fn npm(subject: &Value, predicate: &Value) -> ProvenanceSaid {
        let statement = json!({"subject": [subject], "predicate": predicate});
        let document = json!({"attestations": [
            {"predicateType": "https://publish.example/v0.1", "bundle": {}},
            {"predicateType": "https://slsa.dev/provenance/v1", "bundle": {"dsseEnvelope": {"payload": encoded(&statement)}}}]});
        of_npm(&document, "pkg:npm/%40ann/pear@1.2.0", &release())
    }

    #[test]
    fn both_forms_of_the_predicate_name_the_source() {
        let about = json!({"name": "pkg:npm/%40ann/pear@1.2.0", "digest": {"sha512": "AB12"}});
        let one = json!({"buildDefinition": {
            "externalParameters": {"workflow": {"repository": "https://github.com/Ann/Pear", "path": ".github/workflows/r.yml", "ref": "refs/tags/v1"}},
            "internalParameters": {"github": {"repository_id": "812"}},
            "resolvedDependencies": [{"uri": "git+https://github.com/Ann/Pear@refs/tags/v1", "digest": {"gitCommit": "c0ffee"}}]}});
        let ProvenanceSaid::Of(found) = npm(&about, &one) else { panic!() };
        assert_eq!((found.repository.node().as_str(), found.repository.id), ("github:ann/pear", Some(812)));
        assert_eq!((found.publisher.as_str(), found.commit.as_deref()), ("GitHub", Some("c0ffee")));
        let two = json!({"invocation": {"configSource": {"uri": "git+https://gitlab.com/ann/sub/pear@refs/heads/main",
            "digest": {"sha1": "beef"}, "entryPoint": "build"}}});
        let ProvenanceSaid::Of(found) = npm(&about, &two) else { panic!() };
        assert_eq!(found.repository.node(), "repo:gitlab.com/ann/sub/pear");
        assert_eq!((found.workflow.as_deref(), found.commit.as_deref()), (Some("build"), Some("beef")));
    }

    #[test]
    fn what_is_about_something_else_or_names_nothing_proves_nothing() {
        let source = json!({"invocation": {"configSource": {"uri": "git+https://github.com/ann/pear"}}});
        let about = |hash: &str| json!({"name": "pkg:npm/%40ann/pear@1.2.0", "digest": {"sha512": hash}});
        let unusable = |said: ProvenanceSaid| matches!(said, ProvenanceSaid::Unusable(_));
        assert!(unusable(npm(&about("cd34"), &source)));
        assert!(unusable(npm(&json!({"name": "pkg:npm/other@1.2.0"}), &source)));
        assert!(unusable(npm(&about("ab12"), &json!({"buildDefinition": {}}))));
        assert_eq!(of_npm(&json!({"attestations": []}), "x", &release()), ProvenanceSaid::None);
        let broken = json!({"attestations": [{"predicateType": "https://slsa.dev/provenance/v1",
            "bundle": {"dsseEnvelope": {"payload": "!"}}}]});
        assert!(unusable(of_npm(&broken, "x", &release())));
    }

    #[test]
    fn a_publisher_with_a_repository_is_read_and_one_of_another_file_is_not() {
        let release = NewestRelease { digest: Some("sha256:ab".to_owned()), ..release() };
        let with = |publisher: Value, hash: &str| {
            let statement =
                json!({"subject": [{"name": "pear_mcp-1.2.0-py3-none-any.whl", "digest": {"sha256": hash}}]});
            let bundle = json!({"publisher": publisher, "attestations": [{"envelope": {"statement": encoded(&statement)}}]});
            of_pypi(&json!({"version": 1, "attestation_bundles": [bundle]}), &release)
        };
        let github = || json!({"kind": "GitHub", "repository": "Ann/Pear", "workflow": "release.yml", "environment": null});
        let ProvenanceSaid::Of(found) = with(github(), "ab") else { panic!() };
        assert_eq!(
            (found.repository.node().as_str(), found.workflow.as_deref()),
            ("github:ann/pear", Some("release.yml"))
        );
        assert!(matches!(with(github(), "cd"), ProvenanceSaid::Unusable(_)));
        assert!(matches!(
            with(json!({"kind": "Google", "email": "a@b.example"}), "ab"),
            ProvenanceSaid::Unusable(_)
        ));
        assert_eq!(of_pypi(&json!({}), &release), ProvenanceSaid::None);
    }

    #[test]
    fn npm_s_spelling_of_a_hash_is_read() {
        let zeros = base64::engine::general_purpose::STANDARD.encode([0; 64]);
        assert_eq!(
            digest_of_integrity(&format!("sha1-x sha512-{zeros}")),
            Some(format!("sha512:{}", "00".repeat(64)))
        );
        assert_eq!(digest_of_integrity("sha512-short"), None);
    }
}
