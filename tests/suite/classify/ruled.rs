//! `rules`: every rule can be listed and explained, and an example that goes wrong is found.

use catalogue::assets::Folder;
use serde_json::Value;

use super::Place;

/// The built-in rules in a folder, with one more file.
fn with(place: &Place, extra: &str) {
    std::fs::create_dir_all(place.path("rules/classify")).unwrap();
    for (name, bytes) in Folder::Rules.files(None).unwrap().into_iter().filter(|(n, _)| n.ends_with(".toml"))
    {
        place.write(&format!("rules/{name}"), bytes);
    }
    place.write("rules/classify/zz.toml", extra);
}

const RULE: &str = "[[rule]]\nid = \"made-up\"\nkind = \"phrase\"\nwhat = \"a pear\"\nwhy = \"Pears stay.\"\n\
    source = \"an orchard\"\nclass = \"write\"\npoints = 2.5\nsignal = \"bulk\"\nclasses = [\"write\"]\npattern = '\\bpears?\\b'\n\
    fields = [\"description\"]\nyes = [\"x | a pear\", { name = \"y\", description = \"Pears\" }]\nno = [\"pear\"]\n";

#[test]
fn every_rule_is_listed_and_can_be_explained() {
    let place = Place::new();
    let rows = place.run(&["rules", "list", "--json"]).rows();
    let plain = place.run(&["rules", "list"]);
    assert!(rows.len() > 50 && plain.out.lines().count() == rows.len());
    for (row, line) in rows.iter().zip(plain.out.lines()) {
        for member in ["id", "topic", "kind", "what"] {
            let text = row[member].as_str().unwrap();
            assert!(!text.is_empty() && line.contains(text), "{member}: {line}");
        }
    }
    for id in ["verb-read", "text-cut", rows.last().unwrap()["id"].as_str().unwrap()] {
        let run = place.run(&["rules", "explain", id]);
        assert!(run.code == 0 && run.out.starts_with(&format!("{id}\n")), "{run:?}");
    }
    assert!(!place.path("var").exists(), "no database is needed");
}

#[test]
fn a_rule_is_explained_with_all_its_file_says() {
    let place = Place::new();
    with(&place, RULE);
    let run = place.run(&["rules", "explain", "made-up", "--rules", "rules"]);
    for says in [
        "made-up\n  a pear\n  Pears stay.\n",
        "phrase (rules/classify/zz.toml)",
        "write +2.5, bulk",
        "only of    write",
        "fields     description",
        "pattern    \\bpears?\\b",
        "source     an orchard",
        "must match\n    x | a pear\n    {",
        "must not match\n    pear\n",
    ] {
        assert!(run.out.contains(says), "{says}: {}", run.out);
    }
    let row: Value =
        place.run(&["rules", "explain", "made-up", "--json", "--rules", "rules"]).rows().remove(0);
    assert_eq!((&row["looks_at"]["pattern"], &row["points"]), (&"\\bpears?\\b".into(), &2.5.into()));
    let unknown = place.run(&["rules", "explain", "verb_read_more"]);
    assert!(unknown.code == 2 && unknown.err.contains("verb-read, "), "{unknown:?}");
}

#[test]
fn the_examples_are_run_and_one_that_goes_wrong_is_named() {
    let place = Place::new();
    let good = place.run(&["rules", "test"]);
    assert!(good.code == 0 && good.out.contains("all as written"), "{good:?}");
    with(&place, RULE);
    assert_eq!(place.run(&["rules", "test", "--rules", "rules"]).code, 0);
    with(
        &place,
        &RULE.replace("x | a pear", "x | an apple").replace("no = [\"pear\"]", "no = [\"z | a pear\"]"),
    );
    let bad = place.run(&["rules", "test", "--rules", "rules"]);
    assert_eq!(bad.code, 1, "{bad:?}");
    assert!(bad.out.contains("made-up: must match and does not: x | an apple\n"), "{}", bad.out);
    assert!(bad.out.contains("made-up: must not match and does: z | a pear\n"), "{}", bad.out);
    assert!(bad.out.contains("2 not as written"), "{}", bad.out);
    with(&place, &RULE.replace("points", "pionts"));
    let broken = place.run(&["rules", "test", "--rules", "rules"]);
    assert!(broken.code == 6 && broken.err.contains("classify/zz.toml:8:1"), "{broken:?}");
}
