//! Where a queue is: a `postgres://` address, with its password kept to itself.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::QueueError;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// A peer that does not acknowledge for so long is gone.
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// A parsed `postgres://USER@HOST[:PORT]/DATABASE`. What is printed of it never has the password.
#[derive(Clone)]
pub struct QueueAddress {
    pub(super) config: Config,
    /// Certificates that sign for the server, instead of the system's (`sslrootcert=FILE`).
    pub(super) roots: Option<PathBuf>,
    shown: String,
}

/// An address as it was typed: it may hold a password, so that nothing prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct TypedAddress(String);

impl TypedAddress {
    /// The address, read, with a password that was said apart from it.
    ///
    /// # Errors
    /// [`QueueError::Address`], without the text.
    pub fn read(&self, password: Option<&str>) -> Result<QueueAddress, QueueError> {
        let address: QueueAddress = self.0.parse()?;
        Ok(match password.filter(|password| !password.is_empty()) {
            Some(password) => address.with_password(password),
            None => address,
        })
    }

    /// The same text without its password, and the password, if there is one: for taking it off a command line.
    pub fn without_password(text: &str) -> Option<(String, String)> {
        let (scheme, rest) = text.split_once("://").filter(|(scheme, _)| scheme.starts_with("postgres"))?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end)?;
        let (who, host) = authority.rsplit_once('@')?;
        let (user, _) = who.split_once(':')?;
        let address: QueueAddress = text.parse().ok()?;
        let password = String::from_utf8(address.config.get_password()?.to_vec()).ok()?;
        Some((format!("{scheme}://{user}@{host}{path}"), password))
    }
}

impl FromStr for TypedAddress {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for TypedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl QueueAddress {
    /// The same with a password that was kept out of the address.
    pub fn with_password(mut self, password: &str) -> Self {
        self.config.password(password);
        self
    }

    /// True if it says a password.
    pub fn has_password(&self) -> bool {
        self.config.get_password().is_some()
    }

    /// Who logs in.
    pub fn user(&self) -> Option<&str> {
        self.config.get_user()
    }
}

impl fmt::Display for QueueAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for QueueAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl FromStr for QueueAddress {
    type Err = QueueError;

    /// Beyond this machine a connection is encrypted and the server's certificate checked, unless the address says
    /// `sslmode=disable` in words.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = |why: &str| QueueError::Address(why.to_owned());
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(bad("it does not begin with postgres://"));
        }
        let (plain, query) = text.split_once('?').unwrap_or((text, ""));
        let (mut roots, mut mode, mut kept) = (None, None, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslrootcert", path)) => roots = Some(PathBuf::from(path)),
                Some(("sslmode", word)) => mode = Some(word.to_owned()),
                _ => kept.push(pair),
            }
        }
        let address = if kept.is_empty() { plain.to_owned() } else { format!("{plain}?{}", kept.join("&")) };
        // The parser's own words may repeat what stood there, a password too.
        let mut config: Config =
            address.parse().map_err(|_| bad("host, port, database or a parameter of it cannot be read"))?;
        if config.get_hosts().is_empty() {
            return Err(bad("it names no host"));
        }
        let is_here = config.get_hosts().iter().all(is_this_machine);
        config.ssl_mode(match mode.as_deref() {
            Some("disable") => SslMode::Disable,
            Some("prefer" | "allow") | None if is_here => SslMode::Prefer,
            None | Some("prefer" | "allow" | "require" | "verify-ca" | "verify-full") => SslMode::Require,
            Some(_) => return Err(bad("sslmode is one of disable, require, verify-full")),
        });
        // Without certificates that were named, nothing on this machine has one that the system knows.
        if is_here && mode.is_none() && roots.is_none() {
            config.ssl_mode(SslMode::Disable);
        }
        config.connect_timeout(CONNECT).keepalives_idle(UNACKNOWLEDGED).tcp_user_timeout(UNACKNOWLEDGED);
        config.application_name(concat!("catalogue ", env!("CARGO_PKG_VERSION")));
        let shown = shown(&config);
        Ok(Self { config, roots, shown })
    }
}

fn is_this_machine(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
        }
        Host::Unix(_) => true,
    }
}

fn shown(config: &Config) -> String {
    let user = config.get_user().unwrap_or_default();
    let password = if config.get_password().is_some() { ":***" } else { "" };
    let at = if user.is_empty() && password.is_empty() { "" } else { "@" };
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(i, host)| {
            let host = match host {
                Host::Tcp(name) => name.clone(),
                Host::Unix(path) => path.display().to_string(),
            };
            let ports = config.get_ports();
            match ports.get(i).or(ports.first()) {
                Some(port) => format!("{host}:{port}"),
                None => host,
            }
        })
        .collect();
    format!("postgres://{user}{password}{at}{}/{}", hosts.join(","), config.get_dbname().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> QueueAddress {
        text.parse().unwrap()
    }

    #[test]
    fn a_password_is_in_nothing_that_is_printed() {
        let address = read("postgres://w1:s3cret%40x@h.example:5433/cat?sslmode=require");
        assert_eq!(address.to_string(), "postgres://w1:***@h.example:5433/cat");
        assert_eq!(format!("{address:?}"), address.to_string());
        let error = "postgres://w1:s3cret@h.example:port/cat".parse::<QueueAddress>().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("s3cret"));
        let later = read("postgres://w1@h.example/cat").with_password("s3cret");
        assert!(later.has_password() && !format!("{later:?}").contains("s3cret"));
    }

    #[test]
    fn a_password_can_be_taken_off_a_command_line() {
        let taken =
            TypedAddress::without_password("postgres://w1:s3cret%40x@h.example:5433/cat?sslmode=require");
        let rest = "postgres://w1@h.example:5433/cat?sslmode=require".to_owned();
        assert_eq!(taken, Some((rest, "s3cret@x".to_owned())));
        for text in
            ["postgres://w1@h.example/cat", "npm:x", "https://u:p@h.example/", "postgres://h.example:5/cat"]
        {
            assert_eq!(TypedAddress::without_password(text), None, "{text}");
        }
    }

    #[test]
    fn beyond_this_machine_it_is_encrypted_unless_that_was_given_up_in_words() {
        let mode = |text: &str| read(text).config.get_ssl_mode();
        assert_eq!(mode("postgres://u@h.example/c"), SslMode::Require);
        assert_eq!(mode("postgres://u@h.example/c?sslmode=prefer"), SslMode::Require);
        assert_eq!(mode("postgres://u@h.example/c?sslmode=verify-full"), SslMode::Require);
        assert_eq!(mode("postgres://u@h.example/c?sslmode=disable"), SslMode::Disable);
        assert_eq!(mode("postgres://u@127.0.0.1/c"), SslMode::Disable);
        assert_eq!(mode("postgres://u@127.0.0.1/c?sslrootcert=/tmp/ca.pem"), SslMode::Prefer);
        assert_eq!(mode("postgres://u@127.0.0.1/c?sslmode=require"), SslMode::Require);
        assert_eq!(mode("postgres://u@%2Frun%2Fpg/c"), SslMode::Disable);
        assert_eq!(
            read("postgres://u@h.example/c?sslrootcert=/tmp/ca.pem").roots,
            Some(PathBuf::from("/tmp/ca.pem"))
        );
        for bad in ["mysql://u@h/c", "postgres://u@h/c?sslmode=maybe", "postgres:///c"] {
            assert!(bad.parse::<QueueAddress>().is_err(), "{bad}");
        }
    }
}
