//! What becomes of hostile names and texts behind the scanner: terminal, log, pages, file names, policies.

use std::path::{Path, PathBuf};

use super::catalogue;

/// Rows whose texts attack whoever shows them.
const ROWS: &[&str] = &[
    "names-paths",
    "names-markup",
    "names-policies",
    "names-sql",
    "names-formulas",
    "names-terminal",
    "names-invisible",
    "names-long",
    "names-templates",
    "orders",
    "lying-annotations",
    "odd-annotations",
    "references",
    "huge-error",
    "flood-log-lines",
];

/// A list for `--from` of rows that are started without bait.
fn list(folder: &Path) -> PathBuf {
    let told = r#"{"word":"hostile-test","folder":"/no/such","pid":0,"tcp4":9,"tcp6":null,"udp4":9}"#;
    let one = |row: &&str| {
        let command = [env!("CARGO_BIN_EXE_catalogue"), "__hostile", row, told];
        let words: Vec<String> = command.iter().map(|w| format!("{w:?}")).collect();
        format!("[[target]]\nname = \"{row}\"\ncommand = [{}]\n", words.join(", "))
    };
    let path = folder.join("list.toml");
    std::fs::write(&path, ROWS.iter().map(one).collect::<String>()).unwrap();
    path
}

/// No control byte but the line's end, no C1 character, nothing that turns a line around.
fn is_clean(text: &str) -> bool {
    text.chars().all(|c| {
        c == '\n'
            || !(c.is_control()
                || ('\u{202a}'..='\u{202e}').contains(&c)
                || ('\u{2066}'..='\u{2069}').contains(&c))
    })
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let kind = entry.file_type().unwrap();
        assert!(kind.is_dir() || kind.is_file(), "{}", entry.path().display());
        if kind.is_dir() { files(&entry.path(), found) } else { found.push(entry.path()) }
    }
}

#[test]
fn hostile_texts_become_neither_markup_nor_escapes_nor_paths_nor_rights() {
    let place = tempfile::tempdir().unwrap();
    let var = place.path();
    let mut scan = catalogue(var);
    scan.args(["-v", "scan", "--timeout", "30", "--sandbox", "reduced", "--from"]).arg(list(var));
    let scanned = scan.output().unwrap();
    let (table, log) =
        (String::from_utf8(scanned.stdout).unwrap(), String::from_utf8(scanned.stderr).unwrap());
    if scanned.status.code() == Some(5) {
        println!("skipped: hostile texts, this kernel has no Landlock: {log}");
        return;
    }
    assert_eq!(scanned.status.code(), Some(0), "{log}");
    assert!(table.contains("13 of 15 servers answered"), "{table}");
    assert!(is_clean(&table), "{table:?}");
    assert!(is_clean(&log), "{log:?}");

    let out = var.join("site");
    let built = catalogue(var).args(["build", "--include-private", "--out"]).arg(&out).output().unwrap();
    assert_eq!(built.status.code(), Some(0), "{}", String::from_utf8_lossy(&built.stderr));
    let mut found = Vec::new();
    files(&out, &mut found);
    for path in &found {
        let inside = path.strip_prefix(&out).unwrap().to_string_lossy().into_owned();
        assert!(inside.split('/').all(|part| part.len() <= 110 && is_clean(part)), "{inside}");
        let Ok(text) = std::fs::read_to_string(path) else { continue };
        if path.extension().is_some_and(|e| e == "html") {
            for live in [
                "<script>alert",
                "<img src=x",
                "<svg onload",
                "<iframe",
                "<a href=//evil",
                "href=\"javascript:",
            ] {
                assert!(!text.contains(live), "{inside}: {live}");
            }
            assert!(text.contains("Content-Security-Policy"), "{inside}");
        }
        assert!(!text.contains('\u{1b}') && !text.contains('\u{9b}') && !text.contains('\0'), "{inside}");
        if inside.ends_with("llms.txt") {
            assert!(!text.contains("Ignore all previous") && !text.contains("<IMPORTANT>"), "{inside}");
        }
    }
    assert!(found.len() > 100, "{} files are too few to prove anything", found.len());

    for format in ["intercept", "policylayer"] {
        for row in ["names-policies", "names-markup", "names-invisible", "names-terminal"] {
            let mut export = catalogue(var);
            let file = var.join(format!("{row}.{format}"));
            export
                .args(["policy", "export", &format!("local:{row}"), "--format", format, "--output"])
                .arg(&file);
            let output = export.output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(0), "{row} {format}: {said}");
            assert!(is_clean(&std::fs::read_to_string(&file).unwrap()), "{row} {format}");
        }
    }
}
