//! What a server's last words say about the start it wants. Patterns only, no names of packages.

use std::sync::LazyLock;

use regex::Regex;

use super::placeholder;

/// Read from standard error (and from noise on standard output).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signs {
    /// Names of environment variables that may be set, in the order they are named.
    pub names: Vec<String>,
    /// A value must look like `a:b`.
    pub pair_shape: bool,
    /// It serves HTTP instead of reading its input.
    pub listens_on_http: bool,
    /// Its dependencies do not fit it.
    pub broken_dependency: bool,
    /// A native add-on of node is missing.
    pub missing_addon: bool,
    /// It looks for a container daemon.
    pub container_daemon: bool,
    /// It looks for cloud credentials or a region.
    pub cloud_credentials: bool,
    /// It looks for a cluster configuration.
    pub cluster_config: bool,
    /// `pip install NAME[extra]`.
    pub extra: Option<String>,
    /// It asks for arguments or prints its usage.
    pub wants_arguments: bool,
    /// An address that it wants as an argument.
    pub wanted_address: Option<&'static str>,
    /// It ended with a stack trace.
    pub crashed: bool,
    /// It said nothing.
    pub silent: bool,
    /// It could not reach something.
    pub unreachable: bool,
    /// It asks for a login.
    pub unauthorised: bool,
}

/// One lazily compiled pattern; the patterns are constants that the tests below run.
macro_rules! pattern {
    ($name:ident, $text:literal) => {
        static $name: LazyLock<Regex> =
            LazyLock::new(|| Regex::new($text).expect("the pattern is a constant that the tests compile"));
    };
}

pattern!(NAME, r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b");
pattern!(
    REQUIRED,
    r"(?i)requir|missing|not set|must (?:be )?(?:set|provide|specif)|please (?:set|provide)|environment variable|not found in env|undefined|is needed|not provided|not configured|field required"
);
pattern!(PAIR, r"(?i)(?:format|form|like|as|must be)\W+[<'`]?\w+:\w+[>'`]?(?:\W|$)");
pattern!(
    LISTENS,
    r"(?i)(?:listening|running|started|serving|available)\b[^\n]{0,60}(?:https?://|\bport\b|:\d{4,5}\b)|uvicorn running on|serving flask app"
);
pattern!(
    BROKEN,
    r"(?i)ImportError|ModuleNotFoundError|AttributeError: (?:module|type object|'\w+' object)|cannot import name|unexpected keyword argument|ERR_MODULE_NOT_FOUND|ERR_PACKAGE_PATH_NOT_EXPORTED|Cannot find module|does not provide an export|PydanticUserError|is not a (?:function|constructor)"
);
pattern!(
    ADDON,
    r"(?i)cannot find module[^\n]*\.node\b|\.node['\x22`]?[^\n]*(?:no such file|cannot open|not found)|could not locate the bindings file|no native build was found|keytar|invalid ELF header"
);
pattern!(
    CONTAINER,
    r"(?i)docker\.sock|DockerException|docker daemon|Error while fetching server API version"
);
pattern!(
    CLOUD,
    r"(?i)NoRegionError|NoCredentialsError|specify a region|unable to locate credentials|could not load credentials|AWS_(?:REGION|ACCESS_KEY_ID|PROFILE)|aws credentials"
);
pattern!(CLUSTER, r"(?i)kubeconfig|kube[_ -]?config|ConfigException|current-context|load_incluster_config");
pattern!(EXTRA, r#"(?i)(?:pip|uv|pipx)[^\n]{0,20} install\s+['"]?[A-Za-z0-9._-]+\[([A-Za-z0-9_-]{1,40})"#);
pattern!(
    USAGE,
    r"(?i)\busage:|required argument|missing (?:required )?(?:argument|option|parameter|command)|following arguments are required|command[- ]line argument|please (?:provide|specify|pass)|expected .{0,20}argument|no (?:command|subcommand|transport)|unknown command|available commands|\bcommands:"
);
pattern!(
    ADDRESS,
    r"(?i)database url|connection string|postgres(?:ql)?://|database connection|redis://|mongodb://|mysql://"
);
pattern!(TRACE, r"Traceback \(most recent call last\)|\n\s+at .+\(?.+:\d+:\d+\)?|Unhandled|panicked at");
pattern!(
    UNREACHABLE,
    r"(?i)ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|EHOSTUNREACH|getaddrinfo|name or service not known|temporary failure in name resolution|network is unreachable|connection refused|ConnectError|Max retries exceeded|fetch failed|connection error|network error|ConnectionError|failed to connect|could not connect|no such host|dns error|nodename nor servname"
);
pattern!(
    UNAUTHORISED,
    r"(?i)\b401\b[^\n]{0,40}unauthori[sz]ed|unauthori[sz]ed[^\n]{0,40}\b401\b|please (?:log ?in|sign in|authenticate)|not logged in|login required"
);

impl Signs {
    /// Reads a log tail. Colour codes are left out first.
    pub fn read(log: &str) -> Self {
        pattern!(COLOUR, r"\x1b\[[0-9;?]*[A-Za-z]");
        let log = COLOUR.replace_all(log, "");
        let mut signs = Self {
            pair_shape: PAIR.is_match(&log),
            listens_on_http: LISTENS.is_match(&log),
            broken_dependency: BROKEN.is_match(&log),
            missing_addon: ADDON.is_match(&log),
            container_daemon: CONTAINER.is_match(&log),
            cloud_credentials: CLOUD.is_match(&log),
            cluster_config: CLUSTER.is_match(&log),
            extra: EXTRA.captures(&log).and_then(|c| c.get(1)).map(|m| m.as_str().to_owned()),
            wants_arguments: USAGE.is_match(&log),
            wanted_address: wanted_address(&log),
            crashed: TRACE.is_match(&log),
            silent: log.trim().is_empty(),
            unreachable: UNREACHABLE.is_match(&log),
            unauthorised: UNAUTHORISED.is_match(&log),
            names: Vec::new(),
        };
        // A line that demands a name counts before one that only mentions it, and may name any shape but a switch.
        let demanded = log.lines().filter(|l| REQUIRED.is_match(l)).flat_map(names_of);
        let mentioned = log.lines().flat_map(names_of).filter(|n| placeholder::is_credential_shaped(n));
        for name in demanded.filter(|n| placeholder::may_be_set(n)).chain(mentioned) {
            if !signs.names.contains(&name) {
                signs.names.push(name);
            }
        }
        signs.names.truncate(12);
        signs
    }

    /// True if the last words ask for a setting.
    pub fn wants_config(&self) -> bool {
        !self.names.is_empty() || self.wants_arguments || self.cloud_credentials || self.cluster_config
    }
}

fn names_of(line: &str) -> impl Iterator<Item = String> {
    NAME.find_iter(line).map(|m| m.as_str().to_owned()).filter(|n| n.len() <= 80)
}

fn wanted_address(log: &str) -> Option<&'static str> {
    let found = ADDRESS.find(log)?.as_str().to_ascii_lowercase();
    Some(match found.as_str() {
        "redis://" => "redis://127.0.0.1:9/0",
        "mongodb://" => "mongodb://127.0.0.1:9/db",
        "mysql://" => "mysql://user:placeholder@127.0.0.1:9/db",
        _ => "postgresql://localhost/mydb",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_the_order_that_demands_them() {
        let signs =
            Signs::read("see ACME_HOST\nError: ACME_API_KEY is required, set ACME_MODE too\nERR_INVALID_URL");
        assert_eq!(signs.names, ["ACME_API_KEY", "ACME_HOST"]);
        assert!(signs.wants_config());
    }

    #[test]
    fn each_sign_is_seen_in_the_words_of_its_kind() {
        assert!(Signs::read("Server listening at http://0.0.0.0:3333").listens_on_http);
        assert!(Signs::read("ImportError: cannot import name 'x' from 'y'").broken_dependency);
        assert!(Signs::read("Error: Cannot find module '../build/Release/x.node'").missing_addon);
        assert_eq!(Signs::read("run: pip install 'acme-mcp[redis]'").extra.as_deref(), Some("redis"));
        assert!(Signs::read("usage: acme [-h] {serve}").wants_arguments);
        assert_eq!(
            Signs::read("Please provide a database URL as a command-line argument").wanted_address,
            Some("postgresql://localhost/mydb")
        );
        assert!(
            Signs::read("botocore.exceptions.NoRegionError: You must specify a region.").cloud_credentials
        );
        assert!(Signs::read("key must be in the format id:secret ").pair_shape);
        assert!(Signs::read("getaddrinfo ENOTFOUND api.acme.example").unreachable);
        assert!(Signs::read("docker.errors.DockerException: no /var/run/docker.sock").container_daemon);
        assert!(Signs::read("").silent);
    }
}
