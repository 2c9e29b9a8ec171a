//! Made-up values for settings a server insists on. Never a real secret, never a flag, mode or port.

use std::collections::BTreeMap;

/// A folder that exists in every box.
pub const FOLDER: &str = "/tmp";
/// Where a made-up cluster configuration is shown in a box (`data/stand-ins/kubeconfig`).
pub const STAND_IN_KUBECONFIG: &str = "/stand-ins/kubeconfig";

/// Words of a name that make it a credential or an address: research/live.md section 1 has the first row.
const CREDENTIAL_WORDS: &[&str] = &[
    "KEY",
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "URL",
    "URI",
    "ID",
    "ORG", //
    "PASS",
    "PAT",
    "HOST",
    "HOSTNAME",
    "ENDPOINT",
    "USER",
    "USERNAME",
    "EMAIL",
    "ACCOUNT",
    "DOMAIN",
    "CREDENTIALS",
    "DSN",
    "CONNECTION",
    "WORKSPACE",
    "TENANT",
    "PROJECT",
    "SITE",
    "INSTANCE",
    "SUBDOMAIN",
    "REGION",
    "COOKIE",
    "APIKEY",
    "SERVER",
    "ORGANIZATION",
    "TEAM",
    "JWT",
    "SESSION",
    "STRING",
    "IDS",
    "KEYS",
    "DATABASE",
    "DB",
    "ADDRESS",
];

/// Words of a name that make it a switch: set to a placeholder they broke servers that were fine without.
const SWITCH_WORDS: &[&str] = &[
    "ENABLE",
    "ENABLED",
    "DISABLE",
    "DISABLED",
    "MODE",
    "PORT",
    "LOG",
    "LOGGING",
    "DEBUG",
    "TIMEOUT",
    "TELEMETRY",
    "TRANSPORT",
    "READONLY",
    "ONLY",
    "USE",
    "OAUTH",
    "ALLOW",
    "LEVEL",
    "MAX",
    "MIN",
    "VERIFY",
    "SSL",
    "TLS",
    "INTERVAL",
    "LIMIT",
    "PROFILE",
    "FORMAT",
    "CACHE",
    "RETRY",
    "RETRIES",
    "FILE",
    "PATH",
    "DIR",
    "VERSION",
    "ENV",
    "ERR",
    "ERROR",
    "INVALID",
    "NOT",
    "WARNING",
    "IS",
    "NO",
];

/// True for names of the shape `A_B` that could hold a credential or an address, and are no switch.
pub fn is_credential_shaped(name: &str) -> bool {
    may_be_set(name) && name.split('_').any(|word| CREDENTIAL_WORDS.contains(&word))
}

/// False for switches, and for the runtimes' own variables.
pub fn may_be_set(name: &str) -> bool {
    let runtime = [
        "PYTHON",
        "NODE_",
        "NPM_",
        "RUST_",
        "DOTNET_",
        "JAVA_",
        "LD_",
        "UV_",
        "PIP_",
        "ERR_",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
    ];
    !runtime.iter().any(|start| name.starts_with(start))
        && !name.split('_').any(|word| SWITCH_WORDS.contains(&word))
}

/// A value of the shape that the name asks for. Addresses lead nowhere: port 9 of the box's own loopback.
pub fn value_for(name: &str, pair_shape: bool) -> String {
    if pair_shape {
        return "placeholder:placeholder".to_owned();
    }
    let has = |word: &str| name.split('_').any(|w| w == word);
    let about = |part: &str| name.contains(part);
    let value = if has("REGION") {
        "us-east-1"
    } else if name == "AWS_ACCESS_KEY_ID" {
        "AKIAPLACEHOLDER00000"
    } else if has("URL") || has("URI") || has("DSN") || has("CONNECTION") || has("ENDPOINT") {
        if about("MONGO") {
            "mongodb://127.0.0.1:9/db"
        } else if about("REDIS") {
            "redis://127.0.0.1:9/0"
        } else if about("MYSQL") {
            "mysql://user:placeholder@127.0.0.1:9/db"
        } else if about("NEO4J") || about("BOLT") {
            "bolt://127.0.0.1:9"
        } else if about("POSTGRES") || about("PG_") || about("DATABASE") || about("DB_") {
            "postgresql://user:placeholder@127.0.0.1:9/db"
        } else {
            "http://127.0.0.1:9"
        }
    } else if has("HOST") || has("HOSTNAME") || has("SERVER") {
        "127.0.0.1"
    } else if has("EMAIL") || has("USERNAME") {
        "a@example.com"
    } else if has("DOMAIN") || has("SITE") || has("SUBDOMAIN") {
        "placeholder.example"
    } else {
        "placeholder"
    };
    value.to_owned()
}

/// What the cloud's own client libraries look for; the metadata service is told to stay away.
pub fn cloud_preset() -> BTreeMap<String, String> {
    [
        ("AWS_ACCESS_KEY_ID", "AKIAPLACEHOLDER00000"),
        ("AWS_SECRET_ACCESS_KEY", "placeholder"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_told_from_switches_and_from_the_runtimes_own() {
        for name in ["ACME_API_KEY", "ACME_URL", "SLACK_TEAM_ID", "JIRA_USERNAME"] {
            assert!(is_credential_shaped(name), "{name}");
        }
        for name in [
            "ACME_READ_ONLY",
            "ACME_PORT",
            "PYTHON_KEY",
            "NODE_TLS_KEY",
            "ERR_INVALID_URL",
            "ACME_USE_OAUTH",
            "AWS_PROFILE",
        ] {
            assert!(!is_credential_shaped(name), "{name}");
        }
    }

    #[test]
    fn a_value_has_the_shape_its_name_asks_for() {
        assert_eq!(value_for("ACME_URL", false), "http://127.0.0.1:9");
        assert_eq!(value_for("MONGODB_URI", false), "mongodb://127.0.0.1:9/db");
        assert_eq!(value_for("X_TOKEN", true), "placeholder:placeholder");
    }
}
