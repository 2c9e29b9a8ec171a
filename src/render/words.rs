//! The closed words as templates see them: spelling, article, colour class, place on the scale. No sentences.

use std::sync::LazyLock;

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{Class, Registry, Risk, Signal};

/// What serde calls a value of which there is one only: where it is named again it need not be laid out again.
pub(super) const ONE: &str = "catalogue::render::words::One";

/// One of a closed set of words. Templates see the word's fields.
#[derive(Debug)]
pub(super) struct One<T: 'static>(&'static T);

impl<T> Clone for One<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for One<T> {}

impl<T> std::ops::Deref for One<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0
    }
}

impl<T: PartialEq> PartialEq for One<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T: Eq> Eq for One<T> {}

/// Each of them stands in one place, so its address tells it.
impl<T> std::hash::Hash for One<T> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        std::ptr::from_ref(self.0).hash(state);
    }
}

impl<T: Serialize> Serialize for One<T> {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_newtype_struct(ONE, self.0)
    }
}

/// A class for a template.
pub(super) type ClassWord = One<ClassFields>;
/// A risk for a template.
pub(super) type RiskWord = One<RiskFields>;
/// A signal for a template.
pub(super) type SignalWord = One<SignalFields>;

/// What templates see of a class.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct ClassFields {
    /// The stored word; also the name of its page.
    pub(super) id: &'static str,
    /// As it is written on a page.
    pub(super) word: &'static str,
    /// The indefinite article before it.
    pub(super) article: &'static str,
    /// Its class in the stylesheet.
    pub(super) css: &'static str,
    /// Its place on the scale, from 1.
    pub(super) step: usize,
}

/// What templates see of a risk.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct RiskFields {
    /// The stored word; also the name of its page.
    pub(super) id: &'static str,
    /// As it is written on a page.
    pub(super) word: &'static str,
    /// Its class in the stylesheet.
    pub(super) css: &'static str,
    /// Its place, from 1.
    pub(super) step: usize,
}

/// What templates see of a signal.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct SignalFields {
    /// The stored word.
    pub(super) id: &'static str,
    /// `up`, `down` or `note`: what it does to the risk.
    pub(super) moves: &'static str,
}

/// A day for a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Day {
    /// RFC 3339, for machines.
    pub(super) iso: String,
    /// `14 November 2026`, UTC.
    pub(super) text: String,
}

/// A class with how many tools it has.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ClassCount {
    #[serde(flatten)]
    pub(super) class: ClassWord,
    pub(super) count: usize,
    /// Share of the largest count, in percent, for bars.
    pub(super) percent: usize,
}

/// A risk with how many tools it has.
#[derive(Debug, Clone, Serialize)]
pub(super) struct RiskCount {
    #[serde(flatten)]
    pub(super) risk: RiskWord,
    pub(super) count: usize,
    /// Share of the largest count, in percent, for bars.
    pub(super) percent: usize,
}

pub(super) fn class_word(class: Class) -> ClassWord {
    const fn of(class: Class, word: &'static str, css: &'static str, step: usize) -> ClassFields {
        let article = if matches!(class, Class::Execute) { "an" } else { "a" };
        ClassFields { id: class.as_str(), word, article, css, step }
    }
    static READ: ClassFields = of(Class::Read, "Read", "r", 1);
    static WRITE: ClassFields = of(Class::Write, "Write", "w", 2);
    static EXECUTE: ClassFields = of(Class::Execute, "Execute", "x", 3);
    static DESTRUCTIVE: ClassFields = of(Class::Destructive, "Destructive", "d", 4);
    One(match class {
        Class::Read => &READ,
        Class::Write => &WRITE,
        Class::Execute => &EXECUTE,
        Class::Destructive => &DESTRUCTIVE,
    })
}

pub(super) fn risk_word(risk: Risk) -> RiskWord {
    const fn of(risk: Risk, word: &'static str, css: &'static str, step: usize) -> RiskFields {
        RiskFields { id: risk.as_str(), word, css, step }
    }
    static LOW: RiskFields = of(Risk::Low, "Low", "low", 1);
    static MEDIUM: RiskFields = of(Risk::Medium, "Medium", "med", 2);
    static HIGH: RiskFields = of(Risk::High, "High", "high", 3);
    static CRITICAL: RiskFields = of(Risk::Critical, "Critical", "crit", 4);
    One(match risk {
        Risk::Low => &LOW,
        Risk::Medium => &MEDIUM,
        Risk::High => &HIGH,
        Risk::Critical => &CRITICAL,
    })
}

/// The risk a class starts from (the rubric's table).
pub(super) fn base_risk(class: Class) -> Risk {
    match class {
        Class::Read => Risk::Low,
        Class::Write => Risk::Medium,
        Class::Execute => Risk::High,
        Class::Destructive => Risk::Critical,
    }
}

pub(super) fn signal_word(signal: Signal) -> SignalWord {
    static ALL: LazyLock<Vec<SignalFields>> = LazyLock::new(|| {
        let of = |signal: &Signal| {
            let moves = match signal {
                Signal::Reversible => "down",
                Signal::AnnotationMismatch => "note",
                _ => "up",
            };
            SignalFields { id: signal.as_str(), moves }
        };
        Signal::ALL.iter().map(of).collect()
    });
    One(ALL.get(signal as usize).expect("they are numbered as they are listed"))
}

/// The class one step below, if there is one.
pub(super) fn next_lower(class: Class) -> Option<Class> {
    let step = place(Class::ALL, class);
    step.checked_sub(2).and_then(|i| Class::ALL.get(i)).copied()
}

pub(super) fn day(time: Timestamp) -> Day {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let utc = jiff::tz::Offset::UTC.to_datetime(time);
    let month = usize::try_from(utc.month()).ok().and_then(|month| MONTHS.get(month - 1));
    if let (Some(month), 1_000..=9_999) = (month, utc.year()) {
        let mut iso = *b"0000-00-00T00:00:00Z";
        let mut put = |from: usize, to: usize, number: i16| {
            let mut rest = number;
            for digit in iso[from..to].iter_mut().rev() {
                *digit = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
        };
        put(0, 4, utc.year());
        put(5, 7, utc.month().into());
        put(8, 10, utc.day().into());
        put(11, 13, utc.hour().into());
        put(14, 16, utc.minute().into());
        put(17, 19, utc.second().into());
        let iso = std::str::from_utf8(&iso).expect("digits are ASCII").to_owned();
        let mut text = String::with_capacity(20);
        // The year's digits are those that the other one begins with.
        let day = iso.get(8..10).unwrap_or_default();
        [day.strip_prefix('0').unwrap_or(day), " ", month, " ", iso.get(..4).unwrap_or_default()]
            .iter()
            .for_each(|part| text.push_str(part));
        return Day { iso, text };
    }
    Day { iso: time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(), text: time.strftime("%-d %B %Y").to_string() }
}

/// What people call a registry.
pub(super) fn registry_word(registry: Registry) -> &'static str {
    match registry {
        Registry::Npm => "npm",
        Registry::Pypi => "PyPI",
        Registry::Github => "GitHub",
        Registry::Remote => "remote",
        Registry::Local => "local",
    }
}

/// Counts by class, least severe first.
pub(super) fn class_counts(counts: [usize; 4]) -> Vec<ClassCount> {
    let most = counts.iter().copied().max().unwrap_or(0);
    let pairs = Class::ALL.iter().zip(counts);
    pairs.map(|(c, count)| ClassCount { class: class_word(*c), count, percent: share(count, most) }).collect()
}

/// Counts by risk, least severe first.
pub(super) fn risk_counts(counts: [usize; 4]) -> Vec<RiskCount> {
    let most = counts.iter().copied().max().unwrap_or(0);
    let pairs = Risk::ALL.iter().zip(counts);
    pairs.map(|(r, count)| RiskCount { risk: risk_word(*r), count, percent: share(count, most) }).collect()
}

/// At least 1 where there is anything, so that a bar is seen.
fn share(count: usize, most: usize) -> usize {
    if count == 0 { 0 } else { (count * 100 / most.max(1)).max(1) }
}

fn place<T: PartialEq>(all: &[T], one: T) -> usize {
    all.iter().position(|other| *other == one).map_or(0, |i| i + 1)
}
