//! A secret that proves who asks: sent to one service, and shown nowhere.

use std::fmt;

use url::Url;

/// A token and the name of the variable it came from. Its value is in no message, log, file or database.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    bearer: String,
    from: String,
}

impl Token {
    /// A token as a variable of the environment holds it; None if it is empty or could not be sent.
    pub fn new(value: &str, from: &str) -> Option<Self> {
        let value = value.trim();
        let sendable = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_graphic());
        sendable.then(|| Self { bearer: format!("Bearer {value}"), from: from.to_owned() })
    }

    /// The variable it came from.
    pub fn from(&self) -> &str {
        &self.from
    }

    /// The value of `Authorization` for an address; None where others on the way could read it.
    pub fn for_address(&self, url: &Url) -> Option<&str> {
        let on_this_machine = match url.host() {
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            Some(url::Host::Domain(name)) => name == "localhost",
            None => false,
        };
        (url.scheme() == "https" || on_this_machine).then_some(self.bearer.as_str())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token(of {})", self.from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_shown_and_not_sent_where_it_could_be_read() {
        let token = Token::new(" s3cret\n", "PEAR_TOKEN").unwrap();
        assert_eq!(format!("{token:?}"), "Token(of PEAR_TOKEN)");
        let to = |text: &str| token.for_address(&Url::parse(text).unwrap());
        assert_eq!(to("https://api.example/"), Some("Bearer s3cret"));
        assert_eq!(to("http://127.0.0.1:7/"), Some("Bearer s3cret"));
        assert_eq!(to("http://api.example/"), None);
        assert!(Token::new(" ", "X").is_none() && Token::new("a\nb", "X").is_none());
    }
}
