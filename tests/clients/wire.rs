//! What a model answers, streamed: Anthropic Messages and OpenAI Responses.

use serde_json::{Value, json};

/// A call that the model stub makes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Call {
    /// Where the client puts tools under a namespace.
    pub(crate) namespace: Option<String>,
    /// The name that the client gives the tool.
    pub(crate) name: String,
}

fn events(events: &[Value]) -> String {
    events.iter().map(|e| format!("event: {}\ndata: {e}\n\n", e["type"].as_str().unwrap())).collect()
}

/// Calls, or a last word if there are none. `turn` makes the ids of calls differ.
pub(crate) fn anthropic(calls: &[Call], turn: usize) -> String {
    let usage = json!({"input_tokens": 1, "output_tokens": 1});
    let mut all = vec![json!({"type": "message_start", "message": {
        "id": format!("msg_{turn}"), "type": "message", "role": "assistant", "model": "stub", "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": usage}})];
    if calls.is_empty() {
        all.push(
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        );
        all.push(json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "done"}}));
        all.push(json!({"type": "content_block_stop", "index": 0}));
    }
    for (i, call) in calls.iter().enumerate() {
        let block =
            json!({"type": "tool_use", "id": format!("toolu_{turn}_{i}"), "name": call.name, "input": {}});
        all.push(json!({"type": "content_block_start", "index": i, "content_block": block}));
        let delta = json!({"type": "input_json_delta", "partial_json": "{\"n\":1}"});
        all.push(json!({"type": "content_block_delta", "index": i, "delta": delta}));
        all.push(json!({"type": "content_block_stop", "index": i}));
    }
    let reason = if calls.is_empty() { "end_turn" } else { "tool_use" };
    all.push(json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null}, "usage": usage}));
    all.push(json!({"type": "message_stop"}));
    events(&all)
}

/// The same in the other language.
pub(crate) fn responses(calls: &[Call], turn: usize) -> String {
    let id = format!("resp_{turn}");
    let mut all = vec![json!({"type": "response.created", "response": {"id": id}})];
    if calls.is_empty() {
        let item = json!({"type": "message", "role": "assistant", "id": format!("m_{turn}"),
            "content": [{"type": "output_text", "text": "done"}]});
        all.push(json!({"type": "response.output_item.done", "item": item}));
    }
    for (i, call) in calls.iter().enumerate() {
        let mut item = json!({"type": "function_call", "id": format!("f_{turn}_{i}"), "call_id": format!("call_{turn}_{i}"),
            "name": call.name, "arguments": "{\"n\":1}"});
        if let Some(namespace) = &call.namespace {
            item["namespace"] = json!(namespace);
        }
        all.push(json!({"type": "response.output_item.done", "item": item}));
    }
    let usage = json!({"input_tokens": 1, "input_tokens_details": null, "output_tokens": 1,
        "output_tokens_details": null, "total_tokens": 2});
    all.push(json!({"type": "response.completed", "response": {"id": id, "usage": usage}}));
    events(&all)
}
