//! How gently a host is asked: so many requests at a time, so many a second, none while it asked to be left alone, and
//! none for a while after it failed again and again.
//!
//! A host is a name with a port. What one request learns (a `Retry-After`, a failure) holds for all of them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use url::Url;

use super::error::{HttpError, shown};

/// How gently one host is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Requests at the same time.
    pub concurrent: usize,
    /// Time between the beginnings of two requests.
    pub interval: Duration,
}

impl Default for Pace {
    /// A few at a time, as fast as they are answered: for looking up single packages.
    fn default() -> Self {
        Self { concurrent: 4, interval: Duration::ZERO }
    }
}

/// How gently every host is asked, and how we name ourselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Politeness {
    /// An address or mailbox of whoever runs this, for the user agent; the program's own page without it.
    pub contact: Option<String>,
    /// Hosts (`host` or `host:port`) with a pace of their own.
    pub paces: HashMap<String, Pace>,
    /// The pace of all others.
    pub otherwise: Pace,
    /// The wait that a `Retry-After` of 0, or a 429 without one, is taken for.
    pub unstated_wait: Duration,
    /// No stated wait is taken for longer.
    pub longest_wait: Duration,
    /// A wait longer than this is not waited for: the request fails, and says until when.
    pub patience: Duration,
    /// So many requests in a row that failed, and the host is left alone.
    pub breaker_failures: u32,
    /// For so long.
    pub breaker_rest: Duration,
    /// Hosts that earlier runs were told to leave alone, and for how long from now on.
    pub rests: HashMap<String, Duration>,
}

impl Default for Politeness {
    fn default() -> Self {
        Self {
            contact: None,
            paces: HashMap::new(),
            otherwise: Pace::default(),
            unstated_wait: Duration::from_secs(60),
            longest_wait: Duration::from_secs(3600),
            patience: Duration::from_secs(60),
            breaker_failures: 8,
            breaker_rest: Duration::from_secs(300),
            rests: HashMap::new(),
        }
    }
}

impl Politeness {
    /// The wait that counts, of what a server says.
    pub(super) fn wait_for(&self, stated: Option<Duration>) -> Duration {
        match stated {
            None | Some(Duration::ZERO) => self.unstated_wait,
            Some(stated) => stated.min(self.longest_wait),
        }
    }
}

/// The host of an address as [`Politeness::paces`] spells it: with its port, unless that is its scheme's own.
pub fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or("");
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Keeps what must outlive a run that is killed the next moment: that a host asked to be left alone, and for how long.
pub trait RestKeeper: fmt::Debug + Send + Sync {
    /// Called once for each such answer, before anything else is asked.
    fn keep(&self, host: &str, wait: Duration);
}

/// True of an address on this machine: whoever asks it is its keeper, and needs no pauses between requests.
pub fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Every host that was asked.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    known: Mutex<HashMap<String, Arc<Host>>>,
    /// Hosts that earlier runs were told to leave alone, and until when.
    resting: HashMap<String, Instant>,
}

#[derive(Debug)]
pub(super) struct Host {
    slots: Arc<Semaphore>,
    interval: Duration,
    state: Mutex<HostState>,
}

#[derive(Debug)]
struct HostState {
    /// The next request may begin then, for the sake of the rate.
    next_at: Instant,
    /// None may begin before: it was asked for.
    not_before: Option<Instant>,
    /// It failed too often: none is even waited for before.
    broken_until: Option<Instant>,
    failures: u32,
    /// Limits in a row that did not say for how long.
    unstated: u32,
}

impl Hosts {
    /// No host was asked yet; these are to be left alone for so long from now on.
    pub(super) fn resting(rests: &HashMap<String, Duration>) -> Self {
        let now = Instant::now();
        let resting = rests.iter().map(|(host, wait)| (host.clone(), now + *wait)).collect();
        Self { known: Mutex::default(), resting }
    }

    /// The host of an address, with its pace.
    pub(super) fn of(&self, url: &Url, politeness: &Politeness) -> Arc<Host> {
        let name = host_of(url);
        let mut hosts = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let pace = politeness.paces.get(&name).copied().unwrap_or_else(|| match is_here(url) {
            true => Pace { interval: Duration::ZERO, ..politeness.otherwise },
            false => politeness.otherwise,
        });
        let not_before = self.resting.get(&name).copied();
        Arc::clone(hosts.entry(name).or_insert_with(|| {
            Arc::new(Host {
                slots: Arc::new(Semaphore::new(pace.concurrent.max(1))),
                interval: pace.interval,
                state: Mutex::new(HostState {
                    next_at: Instant::now(),
                    not_before,
                    broken_until: None,
                    failures: 0,
                    unstated: 0,
                }),
            })
        }))
    }
}

impl Host {
    /// Waits for this request's turn. The permit is held until its answer was read.
    pub(super) async fn turn(
        &self,
        url: &Url,
        politeness: &Politeness,
    ) -> Result<OwnedSemaphorePermit, HttpError> {
        let slot =
            Arc::clone(&self.slots).acquire_owned().await.expect("the semaphores of hosts are never closed");
        loop {
            let ready = {
                let mut state = self.state();
                let now = Instant::now();
                if let Some(wait) = state.broken_until.and_then(|until| until.checked_duration_since(now))
                    && !wait.is_zero()
                {
                    return Err(HttpError::Resting { url: shown(url), wait });
                }
                if let Some(wait) = state.not_before.and_then(|until| until.checked_duration_since(now))
                    && wait > politeness.patience
                {
                    return Err(HttpError::Resting { url: shown(url), wait });
                }
                let ready = state.not_before.map_or(state.next_at, |until| until.max(state.next_at));
                if ready <= now {
                    state.next_at = now + self.interval;
                    return Ok(slot);
                }
                ready
            };
            tokio::time::sleep_until(ready).await;
        }
    }

    /// The host asked to be left alone for so long.
    pub(super) fn rest(&self, wait: Duration) {
        let mut state = self.state();
        let until = Instant::now() + wait;
        state.not_before = Some(state.not_before.map_or(until, |before| before.max(until)));
    }

    /// The host refused because of a limit, and may have said for how long: returns how long it is left alone. Where it does
    /// not say, twice as long each time.
    pub(super) fn limited(&self, stated: Option<Duration>, politeness: &Politeness) -> Duration {
        let times = {
            let mut state = self.state();
            let silent = stated.is_none_or(|wait| wait.is_zero());
            state.unstated = if silent { state.unstated.saturating_add(1) } else { 0 };
            1_u32 << state.unstated.saturating_sub(1).min(6)
        };
        let wait = politeness.wait_for(stated).saturating_mul(times).min(politeness.longest_wait);
        self.rest(wait);
        wait
    }

    /// The host answered; what is left of its limit may be nothing: returns how long it is left alone then.
    pub(super) fn answered(&self, used_up: Option<Duration>, politeness: &Politeness) -> Option<Duration> {
        self.state().unstated = 0;
        let wait = used_up?.min(politeness.longest_wait);
        self.rest(wait);
        Some(wait)
    }

    /// One request, with all its tries, came to its end.
    pub(super) fn ended<T>(&self, result: &Result<T, HttpError>, politeness: &Politeness) {
        let mut state = self.state();
        match result {
            Err(error) if error.is_the_hosts() => {
                state.failures = state.failures.saturating_add(1);
                if state.failures >= politeness.breaker_failures {
                    state.broken_until = Some(Instant::now() + politeness.breaker_rest);
                    // One more request afterwards: if that fails too, the rest begins anew.
                    state.failures = politeness.breaker_failures.saturating_sub(1);
                    tracing::warn!(%error, rest = ?politeness.breaker_rest, "failed too often: left alone");
                }
            }
            // Whatever it answered, it answers.
            Ok(_) | Err(HttpError::Registry { .. } | HttpError::TooLarge { .. }) => state.failures = 0,
            Err(_) => {}
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, HostState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_of_nothing_is_not_stated_and_an_absurd_one_is_cut() {
        let politeness = Politeness::default();
        let of = |seconds: Option<u64>| politeness.wait_for(seconds.map(Duration::from_secs)).as_secs();
        assert_eq!(of(None), 60);
        assert_eq!(of(Some(0)), 60);
        assert_eq!(of(Some(7)), 7);
        assert_eq!(of(Some(u64::MAX)), 3600);
    }

    #[tokio::test]
    async fn requests_begin_an_interval_apart_and_none_while_the_host_rests() {
        let pace = Pace { concurrent: 2, interval: Duration::from_millis(40) };
        let politeness =
            Politeness { paces: HashMap::from([("h.example".to_owned(), pace)]), ..Politeness::default() };
        let url = Url::parse("https://h.example/x").unwrap();
        let host = Hosts::default().of(&url, &politeness);
        let begun = Instant::now();
        for _ in 0..3 {
            drop(host.turn(&url, &politeness).await.unwrap());
        }
        assert!(begun.elapsed() >= Duration::from_millis(80));
        host.rest(Duration::from_millis(300));
        drop(host.turn(&url, &politeness).await.unwrap());
        assert!(begun.elapsed() >= Duration::from_millis(380));
        host.rest(Duration::from_secs(3000));
        let refused = host.turn(&url, &politeness).await.unwrap_err();
        assert!(matches!(refused, HttpError::Resting { .. }), "{refused:?}");
    }

    #[tokio::test]
    async fn what_an_earlier_run_was_told_holds_for_this_one() {
        let rests = HashMap::from([("h.example".to_owned(), Duration::from_secs(300))]);
        let politeness = Politeness { rests, ..Politeness::default() };
        let hosts = Hosts::resting(&politeness.rests);
        let ask = async |address: &str| {
            let url = Url::parse(address).unwrap();
            hosts.of(&url, &politeness).turn(&url, &politeness).await
        };
        assert!(matches!(ask("https://h.example/x").await, Err(HttpError::Resting { .. })));
        assert!(ask("https://h.example:8443/x").await.is_ok());
    }

    #[tokio::test]
    async fn a_host_that_fails_again_and_again_is_left_alone() {
        let rest = Duration::from_millis(200);
        // However patient: who waited out each rest would hang on a host that is down.
        let politeness = Politeness { breaker_failures: 2, breaker_rest: rest, ..Politeness::default() };
        let url = Url::parse("https://h.example/x").unwrap();
        let host = Hosts::default().of(&url, &politeness);
        let failed: Result<(), _> = Err(HttpError::TimedOut { url: String::new(), what: "x" });
        host.ended(&failed, &politeness);
        assert!(host.turn(&url, &politeness).await.is_ok());
        host.ended(&failed, &politeness);
        assert!(host.turn(&url, &politeness).await.is_err());
        tokio::time::sleep(rest).await;
        assert!(host.turn(&url, &politeness).await.is_ok());
        host.ended(&failed, &politeness);
        assert!(host.turn(&url, &politeness).await.is_err(), "one failure after the rest is enough");
    }
}
