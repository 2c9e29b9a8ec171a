//! What an `MCPRoute` has to be, by the definition of the resource at v1.1.0, which is the same for `v1beta1` and `v1alpha1`.

use super::super::shape::{Fields, SAID, Shape};
use super::{MOST, NEWER, OLDER};

pub(super) const RESOURCE: Shape = Shape::Fields(&Fields {
    known: &[
        ("apiVersion", Shape::Word(&[NEWER, OLDER])),
        ("kind", Shape::Word(&["MCPRoute"])),
        // Kubernetes' own.
        ("metadata", Shape::Map(&Shape::Anything)),
        ("spec", SPEC),
        ("status", Shape::Anything),
    ],
    needed: &["apiVersion", "kind", "metadata", "spec"],
    one_of: &[],
});
const SPEC: Shape = Shape::Fields(&Fields {
    known: &[
        ("parentRefs", Shape::List(1, 16, &PARENT)),
        ("backendRefs", Shape::List(1, 256, &BACKEND)),
        ("path", PATH),
        ("headers", Shape::List(0, 16, &HEADER)),
        ("hostnames", Shape::List(0, 16, &Shape::TextThat(is_host, "a host name, or one behind *."))),
        ("backendSelector", SELECTION),
        ("securityPolicy", Shape::Map(&Shape::Anything)),
    ],
    needed: &["parentRefs", "backendRefs"],
    one_of: &[],
});
const PARENT: Shape = Shape::Fields(&Fields {
    known: &[
        ("group", GROUP),
        ("kind", Shape::Word(&["Gateway"])),
        ("name", NAME),
        ("namespace", NAMESPACE),
        ("port", PORT),
        ("sectionName", Shape::TextThat(is_subdomain, "a name of small letters, digits, - and .")),
    ],
    needed: &["name"],
    one_of: &[],
});
const BACKEND: Shape = Shape::Fields(&Fields {
    known: &[
        ("name", NAME),
        ("group", GROUP),
        ("kind", Shape::TextThat(is_kind, "a kind of resource")),
        ("namespace", NAMESPACE),
        ("port", PORT),
        ("path", PATH),
        ("toolSelector", SELECTOR),
        ("forwardHeaders", Shape::List(0, MOST, &FORWARDED)),
        ("securityPolicy", Shape::Map(&Shape::Anything)),
    ],
    needed: &["name"],
    one_of: &[],
});
const SELECTOR: Shape = Shape::Fields(&Fields {
    known: &[("include", NAMES), ("includeRegex", NAMES), ("exclude", NAMES), ("excludeRegex", NAMES)],
    needed: &[],
    one_of: &[],
});
const NAMES: Shape = Shape::List(0, MOST, &Shape::Text);
const HEADER: Shape = Shape::Fields(&Fields {
    known: &[
        ("name", Shape::TextThat(is_header, "the name of a header")),
        (
            "value",
            Shape::TextThat(
                |text| (1..=4096).contains(&text.chars().count()),
                "a text of 1 to 4096 characters",
            ),
        ),
        ("type", Shape::Word(&["Exact", "RegularExpression"])),
    ],
    needed: &["name", "value"],
    one_of: &[],
});
const FORWARDED: Shape = Shape::Fields(&Fields {
    known: &[("name", SAID), ("backendHeader", SAID)],
    needed: &["name"],
    one_of: &[],
});
const SELECTION: Shape = Shape::Fields(&Fields {
    known: &[("defaultAction", ACTION), ("rules", Shape::List(0, MOST, &RULE))],
    needed: &[],
    one_of: &[],
});
const RULE: Shape = Shape::Fields(&Fields {
    known: &[
        ("action", ACTION),
        ("cel", Shape::TextThat(|text| text.chars().count() <= 4096, "a text of at most 4096 characters")),
    ],
    needed: &[],
    one_of: &[],
});
const ACTION: Shape = Shape::Word(&["Allow", "Deny"]);
const PORT: Shape = Shape::Whole(1, 65_535);
const PATH: Shape = Shape::TextThat(|text| text.chars().count() <= 1024, "a text of at most 1024 characters");
const NAME: Shape =
    Shape::TextThat(|text| (1..=253).contains(&text.chars().count()), "a name of 1 to 253 characters");
const NAMESPACE: Shape =
    Shape::TextThat(|text| text.len() <= 63 && is_label(text), "a name of small letters, digits and -");
const GROUP: Shape = Shape::TextThat(
    |text| text.is_empty() || is_subdomain(text),
    "empty or a name of small letters, digits, - and .",
);

/// Letters and digits with `-` in between.
fn is_label(text: &str) -> bool {
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(edge) && text.ends_with(edge) && text.chars().all(|c| edge(c) || c == '-')
}

fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label)
}

fn is_host(text: &str) -> bool {
    text.len() <= 253 && is_subdomain(text.strip_prefix("*.").unwrap_or(text))
}

fn is_kind(text: &str) -> bool {
    text.len() <= 63
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

fn is_header(text: &str) -> bool {
    (1..=256).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}
