//! `rules/README.md` says what the rules say.

use std::path::Path;

use catalogue::assets::Folder;
use catalogue::classify::{LISTING_BEGIN, LISTING_END, RuleSet};
use catalogue::policy::Numbers;

/// `UPDATE=1` writes the table anew.
#[test]
fn the_table_of_rules_is_the_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let rules = RuleSet::load(&Folder::Rules.files(Some(&root)).unwrap()).unwrap();
    let path = root.join("README.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(LISTING_BEGIN).expect("the line where the table begins");
    let (_, after) = rest.split_once(LISTING_END).expect("the line where it ends");
    let wanted = format!("{before}{LISTING_BEGIN}\n{}\n{LISTING_END}{after}", rules.listing());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    } else {
        assert!(
            text == wanted,
            "rules/README.md is not what the rules say; run UPDATE=1 cargo test --test suite rules"
        );
    }
}

#[test]
fn the_embedded_rules_load_and_are_those_on_disk() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let disk = Folder::Rules.files(Some(&root)).unwrap();
    let embedded = Folder::Rules.files(None).unwrap();
    assert_eq!(RuleSet::load(&disk).unwrap().hash(), RuleSet::load(&embedded).unwrap().hash());
    assert!(Numbers::load(&embedded).is_ok());
}
