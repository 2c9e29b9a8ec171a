//! A view laid out flat: all texts in one buffer, all lists and all fields in one row each.
//!
//! Laying out costs one copy of each text and no allocation for each value; both the plates and Tera read it.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::expression::Field;
use super::node::{Kind, Node, Stretch};
use super::spare;

/// A field: its name, and its value. A name that is no constant is a stretch of the text; then the other one is empty.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    field: &'static str,
    key: Stretch,
    pub(super) value: Node,
}

impl Entry {
    #[inline]
    fn name<'a>(&self, text: &'a str) -> &'a str
    where
        Self: 'a,
    {
        if self.field.is_empty() { self.key.text(text) } else { self.field }
    }
}

/// Where a value is put.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// Behind the items of the list that is open.
    Item,
    /// Among the fields that are open, under a constant name.
    Field(&'static str),
    /// The same under another name.
    Key(Stretch),
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
    /// What was laid out of which there is one only, by its address.
    ones: Vec<(usize, Node)>,
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
        self.ones.clear();
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
        let view = sheet.laid(view)?;
        if view.kind != Kind::Map {
            return Err(Odd("a view must have fields"));
        }
        sheet.rows.root.extend_from_slice(view.stretch().of(&sheet.rows.entries));
        Ok(sheet)
    }

    /// Puts a value beside the view's fields, in the place of one of that name.
    pub(in crate::render) fn put(
        &mut self,
        name: &'static str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<(), Odd> {
        let value = self.laid(value)?;
        self.put_node(name, value);
        Ok(())
    }

    /// Puts markup beside the view's fields, under a name that is new.
    pub(in crate::render) fn put_markup(&mut self, name: &'static str, markup: &str) -> Result<(), Odd> {
        let value = Node::markup(self.keep_text(markup)?);
        self.add_node(name, value);
        Ok(())
    }

    /// The same with markup that is written behind what the sheet holds.
    pub(in crate::render) fn write_markup<E>(
        &mut self,
        name: &'static str,
        write: impl FnOnce(&mut String) -> Result<(), E>,
        cannot: impl FnOnce(Odd) -> E,
    ) -> Result<(), E> {
        let at = self.rows.text.len();
        write(&mut self.rows.text)?;
        let value = Node::markup(Stretch::from(at, self.rows.text.len()).map_err(cannot)?);
        self.add_node(name, value);
        Ok(())
    }

    /// The same with a text, which templates escape.
    pub(in crate::render) fn write_text(
        &mut self,
        name: &'static str,
        write: impl FnOnce(&mut String),
    ) -> Result<(), Odd> {
        let at = self.rows.text.len();
        write(&mut self.rows.text);
        self.add_node(name, Node::text(Stretch::from(at, self.rows.text.len())?));
        Ok(())
    }

    /// A value that is nowhere yet.
    fn laid(&mut self, value: &(impl Serialize + ?Sized)) -> Result<Node, Odd> {
        value.serialize(super::lay::Lay { sheet: self, to: Place::Item })?;
        self.rows.open_items.pop().ok_or(Odd("a value that was not laid out"))
    }

    /// A field whose name the sheet does not have yet.
    fn add_node(&mut self, name: &'static str, value: Node) {
        debug_assert!(
            self.rows.root.iter().all(|entry| entry.name(&self.rows.text) != name),
            "{name} is new"
        );
        self.rows.root.push(Entry { field: name, key: Stretch(0), value });
    }

    fn put_node(&mut self, name: &'static str, value: Node) {
        let known = self.rows.root.iter().position(|entry| entry.name(&self.rows.text) == name);
        match known.and_then(|at| self.rows.root.get_mut(at)) {
            Some(entry) => entry.value = value,
            None => self.rows.root.push(Entry { field: name, key: Stretch(0), value }),
        }
    }

    #[inline]
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
        let same = if entry.field.is_empty() {
            entry.key.text(&self.rows.text) == &*field.name
        } else {
            entry.field.as_ptr() as usize == address && entry.field.len() == field.name.len()
        };
        same.then_some(entry.value)
    }

    /// The same, wherever it is.
    #[cold]
    pub(super) fn searched(&self, entries: &[Entry], field: &Field) -> Option<Node> {
        let at = entries.iter().position(|entry| entry.name(&self.rows.text) == &*field.name)?;
        let entry = entries.get(at)?;
        if entry.field.is_empty() {
            field.found_at(at)
        } else {
            field.found(at, entry.field)
        }
        Some(entry.value)
    }

    /// True if a field of its own has the name of one of the other's.
    pub(super) fn shares_names(&self, other: &Sheet) -> bool {
        let named = |name: &str| self.rows.root.iter().any(|entry| entry.name(&self.rows.text) == name);
        other.rows.root.iter().any(|entry| named(entry.name(&other.rows.text)))
    }

    /// Its fields as Tera takes them.
    pub(in crate::render) fn fields(&self) -> impl Iterator<Item = (&str, Read<'_>)> {
        self.rows.root.iter().map(|entry| (entry.name(&self.rows.text), Read(self, entry.value)))
    }

    pub(super) fn keep_text(&mut self, text: &str) -> Result<Stretch, Odd> {
        let at = self.rows.text.len();
        self.rows.text.push_str(text);
        Stretch::from(at, self.rows.text.len())
    }

    #[inline]
    pub(super) fn push(&mut self, to: Place, value: Node) {
        match to {
            Place::Item => self.rows.open_items.push(value),
            Place::Field(field) => self.rows.open_entries.push(Entry { field, key: Stretch(0), value }),
            Place::Key(key) => self.rows.open_entries.push(Entry { field: "", key, value }),
        }
    }

    /// Takes the last item back, if it is a text.
    pub(super) fn take_text(&mut self) -> Option<Stretch> {
        let last = self.rows.open_items.pop()?;
        (last.kind == Kind::Text).then(|| last.stretch())
    }

    /// What was put there last.
    pub(super) fn last(&self, to: Place) -> Option<Node> {
        match to {
            Place::Item => self.rows.open_items.last().copied(),
            Place::Field(_) | Place::Key(_) => self.rows.open_entries.last().map(|entry| entry.value),
        }
    }

    /// Where it was laid out before, if it was: for values that live as long as the program.
    pub(super) fn one(&self, address: usize) -> Option<Node> {
        self.rows.ones.iter().find(|(own, _)| *own == address).map(|(_, node)| *node)
    }

    pub(super) fn keep_one(&mut self, address: usize, node: Node) {
        self.rows.ones.push((address, node));
    }

    pub(super) fn begin_list(&self) -> usize {
        self.rows.open_items.len()
    }

    pub(super) fn end_list(&mut self, from: usize, to: Place) -> Result<(), Odd> {
        let at = self.rows.items.len();
        self.rows.items.extend(self.rows.open_items.drain(from..));
        let Stretch(word) = Stretch::from(at, self.rows.items.len())?;
        self.push(to, Node { kind: Kind::List, word });
        Ok(())
    }

    pub(super) fn begin_map(&self) -> usize {
        self.rows.open_entries.len()
    }

    pub(super) fn end_map(&mut self, from: usize, to: Place) -> Result<(), Odd> {
        let at = self.rows.entries.len();
        self.rows.entries.extend(self.rows.open_entries.drain(from..));
        let Stretch(word) = Stretch::from(at, self.rows.entries.len())?;
        self.push(to, Node { kind: Kind::Map, word });
        Ok(())
    }
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
        let Read(sheet, node) = *self;
        (node.kind == Kind::Markup).then(|| sheet.text_of(node.stretch()))
    }
}

impl Serialize for Read<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Read(sheet, node) = *self;
        match node.kind {
            Kind::None => to.serialize_none(),
            Kind::Bool => to.serialize_bool(node.as_bool()),
            Kind::Unsigned => to.serialize_u64(node.as_unsigned()),
            Kind::Signed => to.serialize_i64(node.as_signed()),
            Kind::Float => to.serialize_f64(node.as_float()),
            Kind::Text | Kind::Markup => to.serialize_str(sheet.text_of(node.stretch())),
            Kind::List => {
                let list = node.stretch().of(&sheet.rows.items);
                let mut items = to.serialize_seq(Some(list.len()))?;
                list.iter().try_for_each(|node| items.serialize_element(&Read(sheet, *node)))?;
                items.end()
            }
            Kind::Map => {
                let map = node.stretch().of(&sheet.rows.entries);
                let mut fields = to.serialize_map(Some(map.len()))?;
                for entry in map {
                    fields.serialize_entry(entry.name(&sheet.rows.text), &Read(sheet, entry.value))?;
                }
                fields.end()
            }
        }
    }
}
