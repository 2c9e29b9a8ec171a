//! JSON-RPC messages as text: what is sent, and what an incoming one is.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::model::Untrusted;
use crate::probe::link::{LinkError, Reply};

/// A request as bytes.
pub(super) fn request(id: u64, method: &str, params: &Value) -> Vec<u8> {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string().into_bytes()
}

/// A notification as bytes.
pub(super) fn notification(method: &str, params: &Value) -> Vec<u8> {
    json!({"jsonrpc": "2.0", "method": method, "params": params}).to_string().into_bytes()
}

/// Our answer to what a server asks: it may ping, everything else was never offered.
pub(super) fn answer(id: &RawValue, method: &str) -> Vec<u8> {
    let body = if method == "ping" {
        json!({"jsonrpc": "2.0", "id": id, "result": {}})
    } else {
        json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "not offered by this client"}})
    };
    body.to_string().into_bytes()
}

/// What came in.
#[derive(Debug)]
pub(super) enum Incoming {
    /// The answer to our request.
    Ours(Reply),
    /// A request of the server's.
    Asked { id: Box<RawValue>, method: String },
    /// An answer to another request than ours; the id as it came, cut.
    Stray { id: String },
    /// Anything else: a notification.
    Other,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    id: Option<Box<RawValue>>,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    result: Option<Box<RawValue>>,
    #[serde(default)]
    error: Option<Value>,
}

/// Reads one message or a batch of them; in a batch the answer to `id` is what counts.
///
/// # Errors
/// `Protocol` if it is no JSON-RPC, or an answer with both ends or none.
pub(super) fn read(text: &str, id: u64) -> Result<Vec<Incoming>, LinkError> {
    let broken = |detail: &str| LinkError::Protocol { detail: detail.to_owned() };
    let envelopes: Vec<Envelope> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).map_err(|e| broken(&format!("no batch of JSON-RPC messages: {e}")))?
    } else {
        vec![serde_json::from_str(text).map_err(|e| broken(&format!("no JSON-RPC message: {e}")))?]
    };
    envelopes.into_iter().map(|envelope| sort(envelope, id)).collect()
}

fn sort(envelope: Envelope, id: u64) -> Result<Incoming, LinkError> {
    let broken = |detail: &str| Err(LinkError::Protocol { detail: detail.to_owned() });
    if let Some(method) = envelope.method {
        return Ok(match envelope.id {
            Some(id) => Incoming::Asked { id, method },
            None => Incoming::Other,
        });
    }
    // Some servers send numbers back as strings.
    let told = envelope.id.as_ref().map(|id| id.get().trim_matches('"').to_owned());
    let ours = told.as_deref() == Some(id.to_string().as_str());
    match (envelope.result, envelope.error) {
        (Some(_), Some(_)) if ours => broken("an answer with both a result and an error"),
        (Some(result), None) if ours => Ok(Incoming::Ours(Reply::Result(result))),
        // An error may come without an id, when the request could not be read.
        (None, Some(error)) if ours || matches!(told.as_deref(), None | Some("null")) => {
            Ok(Incoming::Ours(Reply::Error {
                code: error["code"].as_i64().unwrap_or(0),
                message: Untrusted::from(error["message"].as_str().unwrap_or("")),
            }))
        }
        (None, None) if ours => broken("an answer with neither a result nor an error"),
        (None, None) => Ok(Incoming::Other),
        _ => Ok(Incoming::Stray { id: told.unwrap_or_default().chars().take(40).collect() }),
    }
}

/// The error in the body of a failed POST, if it is a JSON-RPC error.
pub(super) fn error_in(body: &[u8], id: u64) -> Option<Reply> {
    let found = read(&String::from_utf8_lossy(body), id).ok()?.into_iter().next()?;
    match found {
        Incoming::Ours(reply @ Reply::Error { code, .. }) if code != 0 => Some(reply),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Result<Incoming, LinkError> {
        read(text, 7).map(|mut all| all.remove(0))
    }

    #[test]
    fn only_the_answer_to_our_id_is_ours() {
        assert!(
            matches!(one(r#"{"jsonrpc":"2.0","id":7,"result":{"a":1e400}}"#), Ok(Incoming::Ours(Reply::Result(r))) if r.get() == r#"{"a":1e400}"#)
        );
        assert!(matches!(one(r#"{"id":"7","result":{}}"#), Ok(Incoming::Ours(_))));
        assert!(matches!(one(r#"{"id":8,"result":{}}"#), Ok(Incoming::Stray { id }) if id == "8"));
        assert!(matches!(
            one(r#"{"id":null,"error":{"code":-32600,"message":"no"}}"#),
            Ok(Incoming::Ours(Reply::Error { code: -32600, .. }))
        ));
        assert!(matches!(one(r#"{"id":8,"error":{"code":1}}"#), Ok(Incoming::Stray { .. })));
        assert!(matches!(one(r#"{"method":"notifications/message"}"#), Ok(Incoming::Other)));
        assert!(matches!(one(r#"{"id":"x","method":"ping"}"#), Ok(Incoming::Asked { .. })));
        assert!(matches!(
            read(r#"[{"id":1,"result":{}},{"id":7,"result":{}}]"#, 7).unwrap()[..],
            [Incoming::Stray { .. }, Incoming::Ours(_)]
        ));
    }

    #[test]
    fn broken_answers_are_protocol_errors() {
        for text in ["", "hello", "[1]", r#"{"id":7}"#, r#"{"id":7,"result":{},"error":{"code":1}}"#] {
            assert!(matches!(one(text), Err(LinkError::Protocol { .. })), "{text}");
        }
        assert!(error_in(b"<html>", 7).is_none());
        assert!(error_in(br#"{"error":"not found"}"#, 7).is_none());
        assert!(
            error_in(br#"{"jsonrpc":"2.0","id":null,"error":{"code":-32601,"message":"x"}}"#, 7).is_some()
        );
    }

    #[test]
    fn what_a_server_asks_is_answered_with_its_own_id() {
        let id = RawValue::from_string("12345678901234567890123".into()).unwrap();
        assert_eq!(answer(&id, "ping"), br#"{"id":12345678901234567890123,"jsonrpc":"2.0","result":{}}"#);
        assert!(String::from_utf8(answer(&id, "sampling/createMessage")).unwrap().contains("-32601"));
    }
}
