//! SPDX licence expressions (annex D of the specification 2.3): `WITH` binds closest, then `AND`, then `OR`. The old
//! slash of crates.io manifests means `OR`. An expression with an exception is asked for as a whole: `A WITH B`.

/// True if some choice the expression leaves is accepted in all its parts.
pub(super) fn satisfied(expression: &str, accepts: &dyn Fn(&str) -> bool) -> Result<bool, String> {
    let tokens = tokens(expression);
    let mut rest = tokens.as_slice();
    let result = any(&mut rest, accepts)?;
    if rest.is_empty() { Ok(result) } else { Err(format!("unexpected {:?}", rest.first())) }
}

/// Every licence it names.
pub(super) fn names(expression: &str) -> Vec<String> {
    let words = ["(", ")", "AND", "OR", "WITH"];
    tokens(expression).into_iter().filter(|token| !words.contains(&token.as_str())).collect()
}

fn tokens(expression: &str) -> Vec<String> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    spaced.split_whitespace().map(str::to_owned).collect()
}

fn take(rest: &mut &[String], word: &str) -> bool {
    match rest.split_first() {
        Some((first, tail)) if first == word => {
            *rest = tail;
            true
        }
        _ => false,
    }
}

fn any(rest: &mut &[String], accepts: &dyn Fn(&str) -> bool) -> Result<bool, String> {
    let mut result = all(rest, accepts)?;
    while take(rest, "OR") {
        result |= all(rest, accepts)?;
    }
    Ok(result)
}

fn all(rest: &mut &[String], accepts: &dyn Fn(&str) -> bool) -> Result<bool, String> {
    let mut result = one(rest, accepts)?;
    while take(rest, "AND") {
        result &= one(rest, accepts)?;
    }
    Ok(result)
}

fn one(rest: &mut &[String], accepts: &dyn Fn(&str) -> bool) -> Result<bool, String> {
    if take(rest, "(") {
        let result = any(rest, accepts)?;
        return if take(rest, ")") { Ok(result) } else { Err("a bracket is not closed".to_owned()) };
    }
    let (name, tail) = rest.split_first().ok_or("it ends too early")?;
    if matches!(name.as_str(), ")" | "AND" | "OR" | "WITH") {
        return Err(format!("a licence was expected before {name}"));
    }
    *rest = tail;
    if take(rest, "WITH") {
        let (exception, tail) = rest.split_first().ok_or("it ends after WITH")?;
        *rest = tail;
        return Ok(accepts(&format!("{name} WITH {exception}")));
    }
    Ok(accepts(name))
}

#[test]
fn expressions_are_read_with_their_precedence() {
    let mit_and_isc = |id: &str| matches!(id, "MIT" | "ISC");
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("MIT/GPL-3.0", true),
        ("MIT AND GPL-3.0", false),
        ("MIT AND GPL-3.0 OR ISC", true),
        ("MIT AND (GPL-3.0 OR ISC)", true),
        ("(MIT OR ISC) AND GPL-3.0", false),
        ("MIT WITH Some-exception", false),
        ("MIT WITH Some-exception OR ISC", true),
    ] {
        assert_eq!(satisfied(expression, &mit_and_isc), Ok(expected), "{expression}");
    }
    for broken in ["", "MIT OR", "(MIT", "MIT ISC", "AND MIT", "MIT WITH"] {
        assert!(satisfied(broken, &mit_and_isc).is_err(), "{broken}");
    }
    assert_eq!(names("(MIT OR ISC) AND Zlib"), ["MIT", "ISC", "Zlib"]);
}
