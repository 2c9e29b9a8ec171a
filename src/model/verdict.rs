//! What was decided about a tool, and why. One value, printed everywhere.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A closed set of words with one spelling: enum, `ALL`, `as_str`, `Display`, `FromStr`.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// Every word, least severe first where there is an order.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];

            /// The stored and published spelling.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|w| w.as_str() == text)
                    .ok_or_else(|| format!("\"{text}\" is no {}", stringify!($name)))
            }
        }
    };
}

words! {
    /// What kind of effect a call has on the world outside the model. Ordered by severity.
    Class {
        /// Observes or computes and leaves nothing behind.
        Read = "read",
        /// Creates or changes what can be undone by ordinary means.
        Write = "write",
        /// Sets something going whose effect depends on what it is given or runs on past the call.
        Execute = "execute",
        /// Removes or overwrites without an ordinary way back, or moves money or rights away.
        Destructive = "destructive",
    }
}

words! {
    /// How bad one wrong call can be. Ordered.
    Risk {
        /// Base of Read.
        Low = "low",
        /// Base of Write.
        Medium = "medium",
        /// Base of Execute.
        High = "high",
        /// Base of Destructive.
        Critical = "critical",
    }
}

words! {
    /// Why the risk is what it is (the rubric's table, in its order).
    Signal {
        /// The caller supplies code, a command, SQL or a script that is run.
        ArbitraryCode = "arbitrary-code",
        /// Moves or commits money, or can.
        Financial = "financial",
        /// Changes who may do what.
        AccessControl = "access-control",
        /// Returns or takes credentials.
        Secrets = "secrets",
        /// Returns messages, mail, files, contacts, health or location of people.
        PersonalData = "personal-data",
        /// Reads or writes paths of the host.
        Filesystem = "filesystem",
        /// Fetches or posts to an address that the caller chooses.
        NetworkEgress = "network-egress",
        /// Returns text that strangers wrote.
        UntrustedContent = "untrusted-content",
        /// Reaches people outside the session.
        OutboundMessage = "outbound-message",
        /// One call touches many things and says so.
        Bulk = "bulk",
        /// Changes infrastructure.
        Production = "production",
        /// A documented way back.
        Reversible = "reversible",
        /// The author's hints contradict what the text says.
        AnnotationMismatch = "annotation-mismatch",
        /// The description talks to the model rather than about the tool.
        DescriptionInjection = "description-injection",
    }
}

/// What one piece of evidence did to the verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Effect {
    /// The class it speaks for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub class: Option<Class>,
    /// The risk it sets or asks for at least.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub risk: Option<Risk>,
    /// The signal it raises.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signal: Option<Signal>,
    /// How much it counts; negative where it speaks against.
    pub weight: f64,
}

/// One reason: which rule spoke, about which words of the definition, to what effect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The rule's id.
    pub rule: String,
    /// JSON pointer (RFC 6901) into the tool object as stored: `/name`, `/inputSchema/properties/sql`.
    pub field: String,
    /// Start and end in Unicode scalar values of that string before any shortening; `null` for absence or a whole field.
    pub span: Option<[usize; 2]>,
    /// Exactly that span; empty where `span` is `null`.
    pub text: String,
    /// What it did.
    pub effect: Effect,
}

/// Class, risk, signals, confidence and evidence of one definition under one rule set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The class.
    pub class: Class,
    /// The risk.
    pub risk: Risk,
    /// Sorted, without doubles.
    pub signals: Vec<Signal>,
    /// 0 to 1, two decimals; of the verdicts given 0.9 or more, nine in ten are right.
    pub confidence: f64,
    /// A person should look before anyone relies on it.
    pub needs_review: bool,
    /// What decided, strongest first.
    pub evidence: Vec<Evidence>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_words_are_the_serialised_words() {
        for signal in Signal::ALL {
            assert_eq!(serde_json::to_value(signal).unwrap(), signal.as_str());
        }
        for class in Class::ALL {
            assert_eq!(serde_json::to_value(class).unwrap(), class.as_str());
        }
        assert!(Class::Read < Class::Destructive && Risk::Low < Risk::Critical);
        assert!("Read".parse::<Class>().is_err());
    }
}
