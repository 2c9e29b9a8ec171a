//! Lists of tools that a record of the registry carries: nothing of the schema, but publishers put them into what is theirs.
//!
//! Source: server.json, `_meta` "io.modelcontextprotocol.registry/publisher-provided"; seen as `capabilities.tools` and `tools`.

use serde_json::Value;

use super::record::PUBLISHER_META;
use crate::model::declared::{DeclaredBy, DeclaredEntry, DeclaredList, entries, says_yes};
use crate::model::digest::sha256_hex;
use crate::model::source::Listing;

/// The list of a record, said of everything it names.
pub(in crate::sources) fn declared(listing: &Listing) -> Vec<DeclaredList> {
    let Some(text) = &listing.record else { return Vec::new() };
    // Nearly every record fails here, without being read.
    if !text.contains("\"tools\"") && !text.contains("\"prompts\"") {
        return Vec::new();
    }
    let Ok(item) = serde_json::from_str::<Value>(text) else { return Vec::new() };
    let server = item.get("server").filter(|server| server.is_object()).unwrap_or(&item);
    let publisher = server.get("_meta").and_then(|meta| meta.get(PUBLISHER_META));
    let places: Vec<&Value> = [Some(server), publisher]
        .into_iter()
        .flatten()
        .flat_map(|v| [Some(v), v.get("capabilities")])
        .flatten()
        .collect();
    let of = |key: &str| -> Vec<DeclaredEntry> {
        let read = places.iter().map(|place| entries(place.get(key)));
        read.into_iter().find(|list| !list.is_empty()).unwrap_or_default()
    };
    let (tools, prompts) = (of("tools"), of("prompts"));
    let grows = places.iter().any(|place| says_yes(place.get("tools_generated")));
    let hash = sha256_hex(text.as_bytes());
    let place = format!("{} {}", listing.name, listing.version).trim().to_owned();
    let list = |about: &str| DeclaredList {
        about: about.to_owned(),
        by: DeclaredBy::Record,
        place: place.clone(),
        hash: hash.clone(),
        grows,
        tools: tools.clone(),
        prompts: prompts.clone(),
    };
    let lists = listing.found.iter().map(|candidate| list(&candidate.key));
    lists.filter(|list| !list.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::settings::embedded;
    use super::super::record::read;
    use super::*;

    #[test]
    fn a_publisher_s_list_is_said_of_what_the_record_names() {
        let record = |meta: &str| {
            format!(
                r#"{{"server":{{"name":"x.example/bell","version":"1","packages":[{{"registryType":"npm","identifier":"bell"}},
                {{"registryType":"oci","identifier":"r.example/bell:1"}}],"_meta":{{"{PUBLISHER_META}":{meta}}}}}}}"#
            )
        };
        let of = |meta: &str| declared(&read(&record(meta), &embedded().triage).unwrap());
        let lists = of(
            r#"{"capabilities":{"tools":[{"name":"ring","description":"rings"}]},"tools_generated":true}"#,
        );
        let about: Vec<&str> = lists.iter().map(|l| l.about.as_str()).collect();
        assert_eq!(about, ["npm:bell", "oci:r.example/bell:1"]);
        assert_eq!((lists[0].tools[0].name.as_str(), lists[0].place.as_str()), ("ring", "x.example/bell 1"));
        assert_eq!(of(r#"{"tools":["ring"],"prompts":["sing"]}"#)[0].prompts[0].name, "sing");
        for none in [r#"{"tools":{}}"#, r#"{"tools":[]}"#, r#"{"other":[{"name":"ring"}]}"#] {
            assert_eq!(of(none), [], "{none}");
        }
    }
}
