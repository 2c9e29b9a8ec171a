//! Which addresses may be asked: the guard against servers' addresses that lead into our own network.
//!
//! A name is checked by every address it resolves to, at the moment of connecting, so that a second answer cannot
//! differ from the checked one. An address written as digits never reaches a resolver, so it is checked here too;
//! `Url` has by then read every spelling of it (decimal, octal, hex, short) as one.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::error::{HttpError, REFUSED, shown};

/// How far a request may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Anywhere, proxies of the environment too: the user's own registry, which may be a mirror on an intranet.
    Anywhere,
    /// Public addresses over https only: a remote server's address that came out of a list.
    Public,
    /// An address the user typed: like [`Reach::Public`], and this machine if its loopback address is what he typed.
    Typed,
}

/// The three ways of connecting that follow from a [`Reach`] and an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Anywhere,
    Public,
    Loopback,
}

/// The way to connect for an address, or why there is none.
pub(super) fn route(reach: Reach, url: &Url) -> Result<Route, HttpError> {
    let refuse = |why: String| Err(HttpError::Refused { url: shown(url), why });
    let Some(host) = url.host() else { return refuse("an address needs a host".into()) };
    if !matches!(url.scheme(), "http" | "https") {
        return refuse("http:// or https:// only".into());
    }
    if reach == Reach::Anywhere {
        return Ok(Route::Anywhere);
    }
    if reach == Reach::Typed && is_loopback_host(&host) {
        return Ok(Route::Loopback);
    }
    if url.scheme() != "https" {
        return refuse("https:// only, except on this machine".into());
    }
    let literal = match host {
        Host::Ipv4(ip) => Some(IpAddr::V4(ip)),
        Host::Ipv6(ip) => Some(IpAddr::V6(ip)),
        Host::Domain(_) => None,
    };
    match literal {
        Some(ip) if !is_public(ip) => refuse(format!("{ip} is no public address")),
        _ => Ok(Route::Public),
    }
}

fn is_loopback_host(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
        Host::Domain(name) => name.trim_end_matches('.') == "localhost",
    }
}

/// True for addresses that the whole internet means the same host by.
///
/// Source: IANA special-purpose address registries for IPv4 and IPv6. Of the IPv6 forms that carry an IPv4 address,
/// all are refused, whatever they carry: a public server has no need of them.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !(a == 0
        || ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || (a == 100 && (64..128).contains(&b)) // carrier-grade NAT
        || (a == 192 && b == 0 && c == 0) // protocol assignments
        || (a == 192 && b == 88 && c == 99) // 6to4 relays
        || (a == 198 && (18..20).contains(&b)) // benchmarks
        || ip == Ipv4Addr::new(168, 63, 129, 16) // means the host itself on every machine of one large cloud
        || ip.is_documentation()
        || a >= 224) // multicast, reserved, broadcast
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let part = ip.segments();
    // Only 2000::/3 is global unicast; that leaves out ::, ::1, v4-mapped and -compatible, NAT64 (64:ff9b::/96 and
    // 64:ff9b:1::/48), unique local, link local, site local and multicast.
    (part[0] & 0xe000) == 0x2000
        && part[0] != 0x2002 // 6to4
        && !(part[0] == 0x2001 && part[1] < 0x0200) // Teredo, ORCHID, benchmarks, protocol assignments
        && !(part[0] == 0x2001 && part[1] == 0x0db8) // documentation
        && part[0] != 0x3fff // documentation
}

/// The addresses that a name has at this moment.
pub type Addresses = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Finds the addresses of a name. It is asked once for each connection, and nothing else decides where that goes.
pub trait Lookup: fmt::Debug + Send + Sync {
    /// The addresses of `name`; their ports do not count.
    fn addresses(&self, name: &str) -> Addresses;
}

/// The system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn addresses(&self, name: &str) -> Addresses {
        let name = name.to_owned();
        Box::pin(async move { Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.collect()) })
    }
}

/// Resolves names and refuses the whole name if one address is out of bounds.
pub(super) struct GuardedResolver {
    pub(super) route: Route,
    pub(super) lookup: Arc<dyn Lookup>,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (route, asked) = (self.route, self.lookup.addresses(name.as_str()));
        Box::pin(async move {
            let found = asked.await?;
            checked(route, name.as_str(), &found)?;
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

/// Refuses a name of which any address is out of bounds: an honest public name has no private address.
fn checked(route: Route, name: &str, found: &[SocketAddr]) -> Result<(), io::Error> {
    let allowed = |ip: IpAddr| match route {
        Route::Anywhere => true,
        Route::Public => is_public(ip),
        Route::Loopback => ip.is_loopback(),
    };
    match found.iter().find(|address| !allowed(address.ip())) {
        None => Ok(()),
        Some(bad) => {
            Err(io::Error::other(format!("{REFUSED}{name} resolves to {}, no public address", bad.ip())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(text: &str) -> bool {
        route(Reach::Public, &Url::parse(text).unwrap()).is_ok()
    }

    #[test]
    fn every_spelling_of_an_inner_address_is_refused() {
        for text in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0177.0.0.1/",
            "https://0x7f.1/",
            "https://127.0.0.1./",
            "https://%31%32%37.0.0.1/",
            "https://①②⑦.0.0.1/",
            "https://0.0.0.0/",
            "https://0/",
            "https://10.0.0.1/",
            "https://172.16.0.1/",
            "https://172.31.255.255/",
            "https://192.168.1.1/",
            "https://169.254.169.254/latest/meta-data",
            "https://0xa9fea9fe/",
            "https://100.64.0.1/",
            "https://100.127.255.255/",
            "https://192.0.0.1/",
            "https://192.0.2.1/",
            "https://198.18.0.1/",
            "https://203.0.113.9/",
            "https://224.0.0.1/",
            "https://240.0.0.1/",
            "https://255.255.255.255/",
            "https://[::]/",
            "https://[::1]/",
            "https://[0:0:0:0:0:0:0:1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:8.8.8.8]/",
            "https://[::127.0.0.1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[64:ff9b:1::1]/",
            "https://[2002:7f00:1::]/",
            "https://[2001::1]/",
            "https://[2001:db8::1]/",
            "https://[3fff::1]/",
            "https://[fc00::1]/",
            "https://[fd12::1]/",
            "https://[fe80::1]/",
            "https://[fec0::1]/",
            "https://[ff02::1]/",
            "http://8.8.8.8/",
        ] {
            assert!(!public(text), "{text}");
        }
        for text in
            ["https://8.8.8.8/", "https://100.63.0.1/", "https://[2606:4700::1]/", "https://h.example/"]
        {
            assert!(public(text), "{text}");
        }
    }

    #[test]
    fn this_machine_is_asked_only_if_it_was_typed() {
        for text in
            ["http://localhost:1/", "http://127.0.0.1:1/", "http://[::1]:1/mcp", "https://localhost./"]
        {
            let url = Url::parse(text).unwrap();
            assert_eq!(route(Reach::Typed, &url).unwrap(), Route::Loopback, "{text}");
            assert!(!matches!(route(Reach::Public, &url), Ok(Route::Loopback)), "{text}");
        }
        for text in ["http://h.example/", "https://10.0.0.1/", "https://0.0.0.0/", "ftp://localhost/"] {
            assert!(route(Reach::Typed, &Url::parse(text).unwrap()).is_err(), "{text}");
        }
    }

    #[test]
    fn one_inner_address_among_public_ones_refuses_the_name() {
        let at = |ip: &str| SocketAddr::new(ip.parse().unwrap(), 0);
        assert!(checked(Route::Public, "h.example", &[at("8.8.8.8")]).is_ok());
        let mixed = [at("8.8.8.8"), at("10.0.0.1")];
        assert!(checked(Route::Public, "h.example", &mixed).unwrap_err().to_string().starts_with(REFUSED));
        assert!(checked(Route::Loopback, "localhost", &[at("8.8.8.8")]).is_err());
    }
}
