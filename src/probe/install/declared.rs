//! Lists that an installed package carries in a manifest of its own: `manifest.json` of a bundle (MCPB) or `tools.json`. They
//! are what it claims, not what it answered. Its source is not searched for tools.

use std::io::Read;
use std::path::Path;

use serde_json::Value;

use crate::model::declared::{DeclaredBy, DeclaredList, entries, says_yes};
use crate::model::digest::sha256_hex;
use crate::model::{Release, ServerKey};

const MAX_BYTES: u64 = 4 << 20;

/// The lists in a package's own folder.
pub(super) fn of_package(folder: &Path, release: &Release) -> Vec<DeclaredList> {
    let lists = ["manifest.json", "tools.json"].into_iter().filter_map(|name| {
        let bytes = regular(&folder.join(name))?;
        let value: Value = serde_json::from_slice(&bytes).ok()?;
        read(name, &value, &bytes, &release.server, &release.version)
    });
    lists.collect()
}

fn read(name: &str, value: &Value, bytes: &[u8], server: &ServerKey, version: &str) -> Option<DeclaredList> {
    let tools = if name == "manifest.json" {
        // Other things have a file of this name: web applications, browser extensions.
        let is_bundle = value.get("dxt_version").is_some()
            || value.get("manifest_version").is_some_and(Value::is_string) && value.get("server").is_some();
        is_bundle.then(|| value.get("tools"))?
    } else {
        let tools = value.get("tools").unwrap_or(value);
        let is_tool =
            |t: &Value| t.get("name").is_some_and(Value::is_string) && t.get("description").is_some();
        Some(tools).filter(|tools| tools.as_array().is_some_and(|all| all.iter().all(is_tool)))
    };
    let list = DeclaredList {
        about: server.to_string(),
        by: DeclaredBy::Package,
        place: if version.is_empty() { name.to_owned() } else { format!("{name} of version {version}") },
        hash: sha256_hex(bytes),
        grows: says_yes(value.get("tools_generated")) || says_yes(value.get("prompts_generated")),
        tools: entries(tools),
        prompts: entries(value.get("prompts")),
    };
    (!list.is_empty()).then_some(list)
}

/// A regular file, not a link, of no great length.
fn regular(path: &Path) -> Option<Vec<u8>> {
    if !path.symlink_metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    fs_err::File::open(path).ok()?.take(MAX_BYTES + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= MAX_BYTES).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(files: &[(&str, &str)]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs_err::write(folder.path().join(name), text).unwrap();
        }
        let release = Release { server: "npm:bell".parse().unwrap(), version: "1.0.0".to_owned() };
        let lists = of_package(folder.path(), &release);
        assert!(
            lists.iter().all(|list| list.about == "npm:bell" && list.place.ends_with("of version 1.0.0"))
        );
        lists.iter().flat_map(|list| &list.tools).map(|tool| tool.name.clone()).collect()
    }

    #[test]
    fn a_manifest_of_its_own_is_told_from_other_files_of_that_name() {
        let bundle = r#"{"manifest_version":"0.3","server":{"type":"node"},"tools":[{"name":"ring"}]}"#;
        let tools = r#"[{"name":"toll","description":"Tolls."}]"#;
        assert_eq!(names(&[("manifest.json", bundle), ("tools.json", tools)]), ["ring", "toll"]);
        for (name, text) in [
            ("manifest.json", r#"{"manifest_version":3,"name":"extension","tools":[{"name":"ring"}]}"#),
            ("manifest.json", r#"{"tools":[{"name":"ring"}]}"#),
            ("tools.json", r#"[{"name":"gcc"}]"#),
            ("tools.json", r#"{"tools":{"gcc":"12"}}"#),
            ("tools.json", "["),
        ] {
            assert_eq!(names(&[(name, text)]), [""; 0], "{text}");
        }
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::NamedTempFile::new().unwrap();
        fs_err::write(outside.path(), tools).unwrap();
        std::os::unix::fs::symlink(outside.path(), folder.path().join("tools.json")).unwrap();
        assert_eq!(regular(&folder.path().join("tools.json")), None);
    }
}
