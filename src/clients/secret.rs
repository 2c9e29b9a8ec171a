//! Words of a command line and addresses without what could be a secret in them.
//!
//! In doubt a word is replaced: a server that is started with a placeholder says so, a key that was stored is lost. What
//! has neither a telling name nor a telling shape is not found (`server hunter2`): THREATS.md says so.

use url::Url;

/// What stands in place of a secret.
pub const PLACEHOLDER: &str = "placeholder";

/// Parts of a name, separators left out, that make its value a secret.
const NAME_PARTS: &[&str] = &[
    "apikey",
    "secret",
    "token",
    "passw",
    "passphrase",
    "credential",
    "authoriz",
    "bearer",
    "cookie",
    "privatekey",
    "accesskey",
    "signature",
    "connectionstring",
    "webhook",
];
/// Whole words of a name that make its value a secret; `header`, `env` and their short forms carry any.
const NAME_WORDS: &[&str] = &[
    "key", "auth", "pass", "pwd", "pw", "pat", "jwt", "dsn", "header", "headers", "env", "user", "username",
    "login", "session", "sid", "pin", "otp", "h", "e", "k", "u",
];
/// Words of a name that make it a number or a place and no secret.
const COUNTED: &[&str] = &["max", "limit", "count", "budget", "tokens", "file", "path", "dir", "length"];
/// How the keys of well-known services begin.
const BEGINNINGS: &[&str] = &[
    "sk-",
    "sk_",
    "pk_live",
    "rk_live",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "xapp-",
    "AKIA",
    "ASIA",
    "AIza",
    "eyJ",
    "hf_",
    "npm_",
    "pypi-",
    "dop_v1_",
    "shpat_",
    "SG.",
    "ya29.",
    "lin_api_",
    "ntn_",
    "secret_",
    "tvly-",
    "figd_",
    "pat-",
    "Bearer",
    "Basic",
];

/// The words with every possible secret replaced.
pub(super) fn without_secrets(words: &[String]) -> Vec<String> {
    let mut clean = Vec::with_capacity(words.len());
    let mut value_is_secret = false;
    for word in words {
        let is_option = word.starts_with('-') && word.parse::<f64>().is_err();
        if value_is_secret && !is_option {
            clean.push(PLACEHOLDER.to_owned());
            value_is_secret = false;
            continue;
        }
        value_is_secret = is_option && !word.contains('=') && is_secret_name(word);
        clean.push(word_without_secret(word, is_option));
    }
    clean
}

fn word_without_secret(word: &str, is_option: bool) -> String {
    if let Some((name, value)) = word.split_once('=')
        && !name.contains("://")
        && !name.contains(char::is_whitespace)
    {
        let variable =
            !is_option && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        let value = if variable || is_secret_name(name) {
            PLACEHOLDER.to_owned()
        } else {
            value_without_secret(value)
        };
        return format!("{name}={value}");
    }
    // A short option with its value in one word: -HAuthorization:… and -uuser:password.
    if is_option && !word.starts_with("--") && word.contains(':') {
        return word.chars().take(2).chain(PLACEHOLDER.chars()).collect();
    }
    if is_option { word.to_owned() } else { value_without_secret(word) }
}

/// A word or a value: an address without user, password, query and fragment; a placeholder for what looks like a secret.
fn value_without_secret(text: &str) -> String {
    if text.contains("://") {
        // Several (`a,b`) or none that can be read: nothing of it is kept.
        return match Url::parse(text) {
            Ok(address) if !text.contains([',', ' ', '|', ';']) => {
                plain_address(&address).map_or_else(|| PLACEHOLDER.to_owned(), |a| a.to_string())
            }
            _ => PLACEHOLDER.to_owned(),
        };
    }
    let lower = text.to_ascii_lowercase();
    let holds_pair = ["=", ":"].iter().any(|sign| {
        lower.split([';', ',', '&', ' ', '{', '}', '"', '\'', '\n']).any(|part| {
            part.split_once(sign).is_some_and(|(name, value)| !value.is_empty() && is_secret_name(name))
        })
    });
    let object =
        text.trim_start().starts_with(['{', '[']) && NAME_PARTS.iter().any(|part| lower.contains(part));
    let header = text.split_once(": ").is_some_and(|(name, _)| !name.contains(char::is_whitespace));
    if holds_pair || object || header || looks_secret(text) {
        PLACEHOLDER.to_owned()
    } else {
        text.to_owned()
    }
}

/// An address as it may be asked and stored: without user, password, query and fragment. None if its path, too, could
/// hold a secret: some services give every user an address of his own.
pub(super) fn plain_address(address: &Url) -> Option<Url> {
    let mut plain = address.clone();
    // Both fail only for addresses that cannot have them.
    let _ = plain.set_username("");
    let _ = plain.set_password(None);
    plain.set_query(None);
    plain.set_fragment(None);
    let secret = plain.path().split(['/', ';', ',', '&']).any(|part| {
        let value = part.split_once('=').map_or(part, |(_, value)| value);
        looks_secret(value) || value.len() < part.len()
    });
    let in_host = plain.host_str().is_some_and(|host| host.split('.').any(looks_secret));
    (!secret && !in_host).then_some(plain)
}

/// True for names like `--api-key`, `githubToken`, `X-Api-Key`, `-H`.
fn is_secret_name(name: &str) -> bool {
    let words = words_of(name);
    let joined: String = words.concat();
    if words.iter().any(|word| COUNTED.contains(&word.as_str())) {
        // `--key-file PATH` and `--max-tokens 9` hold none, `--password-path` is a path.
        return false;
    }
    NAME_PARTS.iter().any(|part| joined.contains(part))
        || words.iter().any(|word| NAME_WORDS.contains(&word.as_str()))
}

/// The words of a name, in lower case: `githubToken`, `github-token`, `GITHUB_TOKEN` are all two.
fn words_of(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && before.is_lowercase()) {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(last) = words.last_mut()
        {
            last.extend(c.to_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// True for what has the shape of a key: a known beginning, or a long piece that mixes letters and digits.
fn looks_secret(text: &str) -> bool {
    if BEGINNINGS.iter().any(|start| text.starts_with(start) && text.len() >= start.len() + 8) {
        return true;
    }
    let path = text.starts_with(['/', '.', '~', '@']) || text.get(1..3).is_some_and(|drive| drive == ":\\");
    if path {
        return false;
    }
    let pieces = text.split(['-', '_', '.', ':', '/', '+', '=', '~', '@']);
    text.len() >= 16 && pieces.into_iter().any(is_random) || pieces_are_long_digits(text)
}

fn is_random(piece: &str) -> bool {
    let count = |is: fn(&char) -> bool| piece.chars().filter(is).count();
    let (digits, letters) = (count(char::is_ascii_digit), count(char::is_ascii_alphabetic));
    let (upper, lower) = (count(char::is_ascii_uppercase), count(char::is_ascii_lowercase));
    (piece.len() >= 8 && digits >= 2 && letters >= 1)
        || (piece.len() >= 20 && upper >= 3 && lower >= 3)
        || (piece.len() >= 32 && letters + digits == piece.len())
}

fn pieces_are_long_digits(text: &str) -> bool {
    text.split(['-', '_', '.', ':'])
        .any(|piece| piece.len() >= 12 && piece.chars().all(|c| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made up here and nowhere valid.
    const KEY: &str = "q8Zt31vXw0PmR7yLk2Ns";

    fn clean(line: &str) -> String {
        let words: Vec<String> = shlex::split(&line.replace("KEY", KEY)).unwrap();
        without_secrets(&words).join(" ")
    }

    #[test]
    fn a_secret_is_found_by_its_name_its_shape_or_its_address() {
        for (line, left) in [
            ("--api-key abc", "--api-key placeholder"),
            ("--apiKey=abc", "--apiKey=placeholder"),
            ("--github-token abc --port 80", "--github-token placeholder --port 80"),
            ("--header 'Authorization: Bearer abc'", "--header placeholder"),
            ("-H 'X-Thing: abc' stdio", "-H placeholder stdio"),
            ("-HX-Thing:abc", "-Hplaceholder"),
            ("'Authorization: Bearer abc'", "placeholder"),
            ("Authorization:abc", "placeholder"),
            ("--password abc -u me:abc", "--password placeholder -u placeholder"),
            ("--auth --port 80", "--auth --port 80"),
            ("-e ACME_THING=abc", "-e placeholder"),
            ("ACME_THING=abc node x.js", "ACME_THING=placeholder node x.js"),
            ("https://me:abc@h.example/mcp", "https://h.example/mcp"),
            ("https://h.example/mcp?key=abc&a=1#abc", "https://h.example/mcp"),
            ("--url https://h.example/s/KEY/mcp", "--url placeholder"),
            ("postgresql://me:abc@h.example/db", "postgresql://h.example/db"),
            ("--db=postgresql://me:abc@h.example/db", "--db=postgresql://h.example/db"),
            ("https://me:abc@h.example,https://h.example", "placeholder"),
            ("'Server=h;Password=abc;'", "Server=placeholder"),
            (r#"'{"apiKey":"abc"}'"#, "placeholder"),
            ("KEY", "placeholder"),
            ("--config KEY", "--config placeholder"),
            ("--config=KEY", "--config=placeholder"),
            ("ghp_abcdefgh", "placeholder"),
            ("6f1b2c3d-aaaa-bbbb-cccc-0123456789ab", "placeholder"),
            ("123456789012", "placeholder"),
        ] {
            assert_eq!(clean(line), left, "{line}");
        }
    }

    #[test]
    fn what_a_server_needs_to_start_stays() {
        for line in [
            "node build/index.js stdio",
            "-m my_server.main --transport stdio --port 8080 --verbose",
            "--directory ./my-project-folder/with-long-name run server.py",
            "server-everything-with-a-long-name",
            "-1 --depth -3",
            "--max-tokens 4096",
            "--key-file ./k.pem",
            "@acme/notes-mcp-server@1.2.3",
            "--read-only=true",
            "src/server.v2.min.js",
            "--allowed-directories /srv/data",
            "-y",
            "",
        ] {
            assert_eq!(clean(line), line, "{line}");
        }
    }

    #[test]
    fn an_address_with_a_secret_in_its_path_is_none() {
        let plain = |text: &str| {
            plain_address(&Url::parse(&text.replace("KEY", KEY)).unwrap()).map(|u| u.to_string())
        };
        assert_eq!(plain("https://u:p@h.example/mcp?k=1#f").as_deref(), Some("https://h.example/mcp"));
        assert_eq!(plain("https://h.example/api/v1/mcp").as_deref(), Some("https://h.example/api/v1/mcp"));
        for text in ["https://h.example/s/KEY/mcp", "https://KEY.h.example/", "https://h.example/mcp;key=abc"]
        {
            assert_eq!(plain(text), None, "{text}");
        }
    }

    #[test]
    fn the_sites_script_knows_the_same_beginnings() {
        let line = format!("  const SECRET = '{}';\n", BEGINNINGS.join(" "));
        assert!(include_str!("../../site/static/check.js").contains(&line), "not in the script: {line}");
    }
}
