//! Client configurations in a package's README: what follows the package's name in `args`, and the names in `env`.

use std::sync::LazyLock;

use regex::Regex;

use super::placeholder;

/// Most of a README that is read, in bytes.
const MAX_README: usize = 256 * 1024;
static ARGS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#""args"\s*:\s*(\[[^\[\]]{0,2000}\])"#).expect("the pattern is a constant"));
static ENV: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#""env"\s*:\s*\{([^{}]{0,4000})\}"#).expect("the pattern is a constant"));
static ENV_NAME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#""([A-Z][A-Z0-9_]{0,79})"\s*:"#).expect("the pattern is a constant"));
static STAND_IN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)^(?:/path/|/users/|/home/|/absolute/|[a-z]:\\|~/|\./|\.\./|\$\{?home|%)|path[/_-]to|/your/",
    )
    .expect("the pattern is a constant")
});

/// Arguments of the config blocks that start this package, at most four lists, doubles left out.
///
/// `package` and `program` are the words that end the launcher's own part: `["-y", "@a/b@latest", "stdio"]` is `["stdio"]`.
pub fn arguments(readme: &str, package: &str, programs: &[String]) -> Vec<Vec<String>> {
    let mut lists = Vec::new();
    for found in ARGS.captures_iter(bounded(readme)) {
        let Some(text) = found.get(1) else { continue };
        // A trailing comma or a comment makes it no JSON: such a block is left out.
        let Ok(words) = serde_json::from_str::<Vec<String>>(text.as_str()) else { continue };
        let is_ours = |word: &String| {
            let bare = word.split("==").next().unwrap_or(word);
            let bare = bare
                .char_indices()
                .skip(1)
                .find(|(_, c)| *c == '@')
                .map_or(bare, |(i, _)| bare.split_at(i).0);
            bare == package || programs.iter().any(|p| p == bare)
        };
        let Some(last) = words.iter().rposition(is_ours) else { continue };
        let rest: Vec<String> = words.iter().skip(last + 1).map(|word| stand_in(word)).collect();
        if !rest.is_empty() && rest.len() <= 12 && !lists.contains(&rest) {
            lists.push(rest);
        }
    }
    lists.truncate(4);
    lists
}

/// Names of the config blocks' environment, in order, doubles left out, at most 24.
pub fn env_names(readme: &str) -> Vec<String> {
    let mut names = Vec::new();
    for block in ENV.captures_iter(bounded(readme)) {
        for name in ENV_NAME.captures_iter(block.get(1).map_or("", |b| b.as_str())) {
            let name = name.get(1).map_or("", |n| n.as_str()).to_owned();
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names.truncate(24);
    names
}

/// A word that stands for something of the reader's own becomes a folder or a placeholder.
fn stand_in(word: &str) -> String {
    let (flag, value) = match word.split_once('=') {
        Some((flag, value)) if flag.starts_with('-') => (format!("{flag}="), value),
        _ => (String::new(), word),
    };
    let filled = if STAND_IN.is_match(value) {
        placeholder::FOLDER
    } else if value.contains("YOUR") || value.contains("your") || value.contains('<') || value.contains("${")
    {
        "placeholder"
    } else {
        value
    };
    format!("{flag}{filled}")
}

fn bounded(readme: &str) -> &str {
    let mut end = readme.len().min(MAX_README);
    while !readme.is_char_boundary(end) {
        end -= 1;
    }
    readme.split_at(end).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_the_package_is_what_is_added() {
        let readme = r#"
            {"mcpServers": {"x": {"command": "npx", "args": ["-y", "@acme/wx@latest", "--stdio"], "env": {"ACME_KEY": "<key>", "X": "1"}}}}
            {"command": "npx", "args": ["@acme/wx", "/path/to/folder", "--token=YOUR_TOKEN"]}
            {"command": "docker", "args": ["run", "-i", "acme/wx"]}
        "#;
        let lists = arguments(readme, "@acme/wx", &[]);
        assert_eq!(
            lists,
            [vec!["--stdio".to_owned()], vec!["/tmp".to_owned(), "--token=placeholder".to_owned()]]
        );
        assert_eq!(env_names(readme), ["ACME_KEY", "X"]);
    }

    #[test]
    fn an_endless_readme_is_read_up_to_its_bound() {
        let readme = "é".repeat(MAX_README);
        assert!(arguments(&readme, "x", &[]).is_empty());
    }
}
