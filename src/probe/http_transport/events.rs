//! Splits a `text/event-stream` into events, chunk by chunk, under a bound.
//!
//! Source: WHATWG HTML, server-sent events, "Interpreting an event stream". `id` and `retry` are left out: nothing is
//! resumed here.

/// One event that has data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// `message` if the stream names none.
    pub kind: String,
    /// Data lines, joined by line feeds, as they came.
    pub data: Vec<u8>,
}

/// An event or line is larger than allowed.
#[derive(Debug, PartialEq, Eq)]
pub struct EventTooLarge;

/// What is known of the event under way.
#[derive(Debug)]
pub struct EventParser {
    max_bytes: usize,
    line: Vec<u8>,
    kind: Vec<u8>,
    data: Option<Vec<u8>>,
    after_return: bool,
    first_line: bool,
}

impl EventParser {
    /// A parser of events of at most so many bytes.
    pub fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            line: Vec::new(),
            kind: Vec::new(),
            data: None,
            after_return: false,
            first_line: true,
        }
    }

    /// Takes the next bytes and returns the events they complete.
    ///
    /// # Errors
    /// [`EventTooLarge`].
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Vec<Event>, EventTooLarge> {
        let mut events = Vec::new();
        // Line by line and not byte by byte: a gigabyte in one line is to be refused at once.
        for piece in bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            let (part, end) = match piece.split_last() {
                Some((end @ (b'\n' | b'\r'), part)) => (part, Some(*end)),
                _ => (piece, None),
            };
            let follows_return = std::mem::replace(&mut self.after_return, end == Some(b'\r'));
            // The second half of one line end.
            if follows_return && part.is_empty() && end == Some(b'\n') {
                continue;
            }
            let held = self.line.len() + self.data.as_ref().map_or(0, Vec::len);
            if held + part.len() > self.max_bytes {
                return Err(EventTooLarge);
            }
            self.line.extend_from_slice(part);
            if end.is_some() {
                events.extend(self.end_line());
            }
        }
        Ok(events)
    }

    fn end_line(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        let first = std::mem::replace(&mut self.first_line, false);
        let line = if first { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line) } else { &line };
        if line.is_empty() {
            let kind = std::mem::take(&mut self.kind);
            let kind =
                if kind.is_empty() { "message".into() } else { String::from_utf8_lossy(&kind).into_owned() };
            return self.data.take().map(|data| Event { kind, data });
        }
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let name = parts.next().unwrap_or_default();
        let value = parts.next().unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => match &mut self.data {
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                None => self.data = Some(value.to_vec()),
            },
            b"event" => self.kind = value.to_vec(),
            // A comment has an empty name; every other field says nothing here.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(chunks: &[&str]) -> Vec<(String, String)> {
        let mut parser = EventParser::new(1000);
        let events = chunks.iter().flat_map(|chunk| parser.feed(chunk.as_bytes()).unwrap());
        events.map(|e| (e.kind, String::from_utf8(e.data).unwrap())).collect()
    }

    #[test]
    fn events_are_the_same_however_lines_end_and_chunks_are_cut() {
        let expected = vec![("message".into(), "a\nb".into()), ("endpoint".into(), "/m?x=1".into())];
        for end in ["\n", "\r\n", "\r"] {
            let text = format!(
                "\u{feff}: hello{end}data: a{end}data:b{end}{end}{end}event: endpoint{end}id: 3{end}data: /m?x=1{end}{end}data: cut off"
            );
            assert_eq!(parsed(&[&text]), expected, "{end:?}");
            let letters: Vec<String> = text.chars().map(String::from).collect();
            let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
            assert_eq!(parsed(&letters), expected, "{end:?}");
        }
    }

    #[test]
    fn an_event_larger_than_allowed_is_an_error_in_one_line_or_many() {
        let mut parser = EventParser::new(10);
        assert_eq!(parser.feed(b"data: 0123456789"), Err(EventTooLarge));
        let mut parser = EventParser::new(20);
        assert!(parser.feed(b"data: 12345\ndata: 12345\n").is_ok());
        assert_eq!(parser.feed(b"data: 12345\ndata: 12345\ndata: 1"), Err(EventTooLarge));
    }
}
