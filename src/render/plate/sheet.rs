//! A view laid out flat: all texts in one buffer, all lists and all fields in one row each.
//!
//! Laying out costs one copy of each text and no allocation for each value; both the plates and Tera read it.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::expression::Field;
use super::spare;

/// One value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Node {
    None,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(Stretch),
    /// What a template has printed.
    Markup(Stretch),
    List(Stretch),
    Map(Stretch),
}

/// A stretch of one of the rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stretch {
    at: u32,
    len: u32,
}

impl Stretch {
    pub(super) fn of<T>(self, row: &[T]) -> &[T] {
        row.get(self.at as usize..(self.at + self.len) as usize).unwrap_or_default()
    }

    fn text(self, text: &str) -> &str {
        text.get(self.at as usize..(self.at + self.len) as usize).unwrap_or_default()
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Key {
    Field(&'static str),
    Text(Stretch),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    key: Key,
    pub(super) value: Node,
}

/// A view laid out for templates; more can be put beside it, and several templates can use it.
#[derive(Debug, Default)]
pub(in crate::render) struct Sheet {
    pub(super) rows: Rows,
}

/// The rows of a sheet.
#[derive(Debug, Default)]
pub(super) struct Rows {
    text: String,
    pub(super) items: Vec<Node>,
    pub(super) entries: Vec<Entry>,
    /// The sheet's own fields.
    pub(super) root: Vec<Entry>,
    open_items: Vec<Node>,
    open_entries: Vec<Entry>,
}

impl Rows {
    /// Empty ones with room for most views.
    pub(super) fn roomy() -> Self {
        Self {
            text: String::with_capacity(1 << 13),
            items: Vec::with_capacity(1 << 7),
            entries: Vec::with_capacity(1 << 9),
            ..Self::default()
        }
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.items.clear();
        [&mut self.entries, &mut self.root, &mut self.open_entries].into_iter().for_each(Vec::clear);
        self.open_items.clear();
    }

    /// Roughly what they take, in bytes.
    pub(super) fn size(&self) -> usize {
        self.text.capacity() + size_of::<Entry>() * (self.entries.capacity() + self.items.capacity())
    }
}

impl Drop for Sheet {
    fn drop(&mut self) {
        spare::keep_rows(std::mem::take(&mut self.rows));
    }
}

impl Sheet {
    /// Lays out a view; an error says why it cannot be.
    pub(in crate::render) fn lay(view: &(impl Serialize + ?Sized)) -> Result<Self, Odd> {
        let mut sheet = Self { rows: spare::rows() };
        match view.serialize(super::lay::Lay(&mut sheet))? {
            Node::Map(fields) => sheet.rows.root.extend_from_slice(fields.of(&sheet.rows.entries)),
            _ => return Err(Odd("a view must have fields")),
        }
        Ok(sheet)
    }

    /// Puts a value beside the view's fields, in the place of one of that name.
    pub(in crate::render) fn put(
        &mut self,
        name: &'static str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<(), Odd> {
        let value = value.serialize(super::lay::Lay(self))?;
        self.put_node(name, value);
        Ok(())
    }

    /// Puts markup beside the view's fields.
    pub(in crate::render) fn put_markup(&mut self, name: &'static str, markup: &str) -> Result<(), Odd> {
        let value = Node::Markup(self.keep_text(markup)?);
        self.put_node(name, value);
        Ok(())
    }

    fn put_node(&mut self, name: &'static str, value: Node) {
        let known = self.rows.root.iter().position(|entry| entry.key.name(&self.rows.text) == name);
        match known.and_then(|at| self.rows.root.get_mut(at)) {
            Some(entry) => entry.value = value,
            None => self.rows.root.push(Entry { key: Key::Field(name), value }),
        }
    }

    pub(super) fn text_of(&self, stretch: Stretch) -> &str {
        stretch.text(&self.rows.text)
    }

    /// The value under a name in a row of fields.
    #[inline]
    pub(super) fn field(&self, entries: &[Entry], field: &Field) -> Option<Node> {
        self.hinted(entries, field).or_else(|| self.searched(entries, field))
    }

    /// The same, if it is where it was the last time: mostly the same struct's field, which the address of its name tells.
    #[inline]
    pub(super) fn hinted(&self, entries: &[Entry], field: &Field) -> Option<Node> {
        let (at, address) = field.hint();
        let entry = entries.get(at)?;
        let same = match entry.key {
            Key::Field(name) => name.as_ptr() as usize == address && name.len() == field.name.len(),
            Key::Text(text) => text.text(&self.rows.text) == field.name,
        };
        same.then_some(entry.value)
    }

    /// The same, wherever it is.
    pub(super) fn searched(&self, entries: &[Entry], field: &Field) -> Option<Node> {
        let at = entries.iter().position(|entry| entry.key.name(&self.rows.text) == field.name)?;
        let entry = entries.get(at)?;
        match entry.key {
            Key::Field(name) => field.found(at, name),
            Key::Text(_) => field.found_at(at),
        }
        Some(entry.value)
    }

    /// True if a field of its own has the name of one of the other's.
    pub(super) fn shares_names(&self, other: &Sheet) -> bool {
        let named = |name: &str| self.rows.root.iter().any(|entry| entry.key.name(&self.rows.text) == name);
        other.rows.root.iter().any(|entry| named(entry.key.name(&other.rows.text)))
    }

    /// Its fields as Tera takes them.
    pub(in crate::render) fn fields(&self) -> impl Iterator<Item = (&str, Read<'_>)> {
        self.rows.root.iter().map(|entry| (entry.key.name(&self.rows.text), Read(self, entry.value)))
    }

    pub(super) fn keep_text(&mut self, text: &str) -> Result<Stretch, Odd> {
        let at = place(self.rows.text.len())?;
        self.rows.text.push_str(text);
        Ok(Stretch { at, len: place(text.len())? })
    }

    pub(super) fn begin_list(&self) -> usize {
        self.rows.open_items.len()
    }

    pub(super) fn push_item(&mut self, node: Node) {
        self.rows.open_items.push(node);
    }

    pub(super) fn end_list(&mut self, from: usize) -> Result<Node, Odd> {
        let at = place(self.rows.items.len())?;
        self.rows.items.extend(self.rows.open_items.drain(from..));
        Ok(Node::List(Stretch { at, len: place(self.rows.items.len())? - at }))
    }

    pub(super) fn begin_map(&self) -> usize {
        self.rows.open_entries.len()
    }

    pub(super) fn push_entry(&mut self, key: Key, value: Node) {
        self.rows.open_entries.push(Entry { key, value });
    }

    pub(super) fn end_map(&mut self, from: usize) -> Result<Node, Odd> {
        let at = place(self.rows.entries.len())?;
        self.rows.entries.extend(self.rows.open_entries.drain(from..));
        Ok(Node::Map(Stretch { at, len: place(self.rows.entries.len())? - at }))
    }
}

impl Key {
    fn name<'a>(&self, text: &'a str) -> &'a str
    where
        Self: 'a,
    {
        match self {
            Key::Field(name) => name,
            Key::Text(stretch) => stretch.text(text),
        }
    }
}

fn place(number: usize) -> Result<u32, Odd> {
    u32::try_from(number).map_err(|_| Odd("a view of more than four gigabytes"))
}

/// Something that plates do not do: Tera does it instead, or says what is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::render) struct Odd(pub(super) &'static str);

impl std::fmt::Display for Odd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Odd {}

impl serde::ser::Error for Odd {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Odd("a value that cannot be laid out")
    }
}

/// A value of a sheet, to be handed on.
#[derive(Clone, Copy)]
pub(in crate::render) struct Read<'a>(&'a Sheet, Node);

impl Read<'_> {
    /// Its text, if it is markup.
    pub(in crate::render) fn markup(&self) -> Option<&str> {
        match self.1 {
            Node::Markup(text) => Some(self.0.text_of(text)),
            _ => None,
        }
    }
}

impl Serialize for Read<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Read(sheet, node) = *self;
        match node {
            Node::None => to.serialize_none(),
            Node::Bool(value) => to.serialize_bool(value),
            Node::Unsigned(value) => to.serialize_u64(value),
            Node::Signed(value) => to.serialize_i64(value),
            Node::Float(value) => to.serialize_f64(value),
            Node::Text(text) | Node::Markup(text) => to.serialize_str(sheet.text_of(text)),
            Node::List(list) => {
                let list = list.of(&sheet.rows.items);
                let mut items = to.serialize_seq(Some(list.len()))?;
                list.iter().try_for_each(|node| items.serialize_element(&Read(sheet, *node)))?;
                items.end()
            }
            Node::Map(map) => {
                let map = map.of(&sheet.rows.entries);
                let mut fields = to.serialize_map(Some(map.len()))?;
                for entry in map {
                    fields.serialize_entry(entry.key.name(&sheet.rows.text), &Read(sheet, entry.value))?;
                }
                fields.end()
            }
        }
    }
}
