//! An event stream that is being read: an answer, its parser, and the events that came with the last chunk.

use std::collections::VecDeque;

use super::events::{Event, EventParser};
use super::failure::link_error;
use crate::http::Answer;
use crate::probe::link::LinkError;

#[derive(Debug)]
pub(super) struct EventStream {
    answer: Answer,
    parser: EventParser,
    ready: VecDeque<Event>,
}

impl EventStream {
    pub(super) fn new(answer: Answer, max_event_bytes: usize) -> Self {
        Self { answer, parser: EventParser::new(max_event_bytes), ready: VecDeque::new() }
    }

    /// The next event, or none at the stream's end.
    pub(super) async fn next(&mut self) -> Result<Option<Event>, LinkError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            let Some(chunk) = self.answer.next_chunk().await.map_err(|e| link_error(e, true))? else {
                return Ok(None);
            };
            let events =
                self.parser.feed(&chunk).map_err(|_| LinkError::TooLarge { what: "an event".into() })?;
            self.ready.extend(events);
        }
    }

    /// Bytes read so far.
    pub(super) fn read_bytes(&self) -> u64 {
        self.answer.read_bytes()
    }
}
