//! Dependencies as names and ranges: whatever else a manifest of a tree may say of where they come from is refused.

/// Most dependencies of one tree.
const MOST: usize = 400;

/// A requirement of Python (PEP 508) without an address; None for a line that requires nothing.
///
/// # Errors
/// What it asks for instead, for people.
pub(super) fn python(line: &str) -> Result<Option<String>, String> {
    let line = line.split(" #").next().unwrap_or(line);
    let line = line.split(" --hash").next().unwrap_or(line).trim().trim_end_matches('\\').trim();
    if line.is_empty() || line.starts_with('#') || line.starts_with("--hash") {
        return Ok(None);
    }
    // The tree itself is there already.
    if matches!(line, "." | "-e ." | "--editable ." | "-e .[dev]") {
        return Ok(None);
    }
    let legal = |c: char| c.is_ascii_alphanumeric() || " ._-[],<>=!~;()'\"*+".contains(c);
    if !line.starts_with(|c: char| c.is_ascii_alphanumeric()) || !line.chars().all(legal) || line.len() > 300
    {
        return Err(said(line));
    }
    Ok(Some(line.to_owned()))
}

/// All of them.
///
/// # Errors
/// As [`python`].
pub(super) fn pythons<'a>(lines: impl IntoIterator<Item = &'a str>) -> Result<Vec<String>, String> {
    let found: Vec<String> =
        lines.into_iter().filter_map(|line| python(line).transpose()).collect::<Result<_, _>>()?;
    if found.len() > MOST { Err(format!("more than {MOST} packages")) } else { Ok(found) }
}

/// A range of npm's, or another package's name and its range (`npm:NAME@RANGE`).
///
/// # Errors
/// What it asks for instead, for people.
pub(super) fn node(name: &str, range: &str) -> Result<(), String> {
    let refused = || Err(said(&format!("{name}@{range}")));
    if crate::model::ServerKey::npm(name).is_err() || range.len() > 200 {
        return refused();
    }
    let rest = match range.strip_prefix("npm:") {
        None => range,
        Some(other) => {
            let at = other.char_indices().skip(1).filter(|(_, c)| *c == '@').map(|(i, _)| i).last();
            let (other, range) = at.map_or((other, ""), |at| other.split_at(at));
            if crate::model::ServerKey::npm(other).is_err() {
                return refused();
            }
            range.trim_start_matches('@')
        }
    };
    let legal = |c: char| c.is_ascii_alphanumeric() || " .-+^~<>=|*_".contains(c);
    if rest.chars().all(legal) { Ok(()) } else { refused() }
}

fn said(text: &str) -> String {
    crate::model::Untrusted::new(text).for_terminal(120)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_and_ranges_are_taken() {
        for line in ["mcp>=1.2,<2", "FastMCP[cli] ~= 2.0 ; python_version >= '3.10'", "a-b", "x==1.*  # why"]
        {
            assert!(matches!(python(line), Ok(Some(_))), "{line}");
        }
        for line in ["", "# x", "-e .", "    --hash=sha256:00"] {
            assert_eq!(python(line), Ok(None), "{line}");
        }
        for line in [
            "--index-url http://10.0.0.1/",
            "-r more.txt",
            "x @ https://h.example/x.whl",
            "git+https://h.example/x",
            "../x",
            "./x",
            "/x",
        ] {
            assert!(python(line).is_err(), "{line}");
        }
        for range in ["^1.0.0", "1 - 2", ">=1 <2 || 3.x", "*", "latest", "", "npm:@a/b@^1"] {
            assert_eq!(node("pear", range), Ok(()), "{range}");
        }
        for range in [
            "file:../x",
            "http://10.0.0.1/x.tgz",
            "git+ssh://h/x",
            "ann/pear",
            "workspace:*",
            "npm:../x@1",
            "link:x",
        ] {
            assert!(node("pear", range).is_err(), "{range}");
        }
        assert!(node("../pear", "1").is_err());
    }
}
