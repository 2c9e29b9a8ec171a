//! Where readers of a site are asked to send what they think is wrong.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;

/// An address for reports that whoever publishes a site gives: a page (https) or a mailbox (mailto).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "Shown")]
pub struct ReportAddress(Url);

/// As a page shows it.
#[derive(Debug, Serialize)]
struct Shown {
    /// What the link leads to.
    address: String,
    /// What it is called.
    text: String,
}

impl ReportAddress {
    /// What a link leads to.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// A mailbox, or a host with its path.
    fn text(&self) -> String {
        let Self(url) = self;
        let path = url.path();
        match url.host_str() {
            Some(host) => format!("{host}{}", path.trim_end_matches('/')),
            None => path.to_owned(),
        }
    }
}

impl FromStr for ReportAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_mailbox = |url: &Url| {
            url.path().split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
        };
        let is_fit = |url: &Url| match url.scheme() {
            "https" => url.username().is_empty() && url.password().is_none(),
            "mailto" => is_mailbox(url),
            _ => false,
        };
        Url::parse(text).ok().filter(is_fit).map(Self).ok_or_else(|| {
            format!("\"{text}\" is no address for reports; write https://… without a password, or mailto:somebody@example.org")
        })
    }
}

impl TryFrom<String> for ReportAddress {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ReportAddress> for Shown {
    fn from(address: ReportAddress) -> Self {
        Self { address: address.as_str().to_owned(), text: address.text() }
    }
}

#[cfg(test)]
mod tests {
    use super::ReportAddress;

    #[test]
    fn a_page_or_a_mailbox_is_taken_and_nothing_else() {
        let text = |given: &str| given.parse::<ReportAddress>().map(|address| address.text());
        assert_eq!(text("mailto:tools@cat.example?subject=x").unwrap(), "tools@cat.example");
        assert_eq!(text("https://cat.example/issues/?q=1").unwrap(), "cat.example/issues");
        assert_eq!(text("https://cat.example").unwrap(), "cat.example");
        for wrong in [
            "",
            "cat.example",
            "tools@cat.example",
            "http://cat.example/",
            "javascript:alert(1)",
            "data:text/html,x",
            "mailto:",
            "mailto:@cat.example",
            "https://name:word@cat.example/",
            "file:///tmp/x",
        ] {
            let said = text(wrong).unwrap_err();
            assert!(said.contains("mailto:somebody@example.org"), "{said}");
        }
    }

    #[test]
    fn what_could_end_an_attribute_is_written_otherwise() {
        let address: ReportAddress = "https://cat.example/\"><script>?a=\"'".parse().unwrap();
        assert!(!address.as_str().contains(['"', '<', '>']), "{}", address.as_str());
    }
}
