//! How a view is laid out on a sheet: serde's side of it.

use serde::ser::{self, Serialize};

use super::sheet::{Key, Node, Odd, Sheet};

/// Lays one value out.
pub(super) struct Lay<'a>(pub(super) &'a mut Sheet);

/// A list while it is laid out.
pub(super) struct Items<'a> {
    sheet: &'a mut Sheet,
    from: usize,
}

/// Fields while they are laid out; those of an enum's variant are wrapped in its name.
pub(super) struct Fields<'a> {
    sheet: &'a mut Sheet,
    from: usize,
    key: Option<Key>,
    variant: Option<&'static str>,
}

impl<'a> Lay<'a> {
    fn items(self) -> Items<'a> {
        Items { from: self.0.begin_list(), sheet: self.0 }
    }

    fn fields(self, variant: Option<&'static str>) -> Fields<'a> {
        Fields { from: self.0.begin_map(), sheet: self.0, key: None, variant }
    }
}

impl Items<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Odd> {
        let node = value.serialize(Lay(self.sheet))?;
        self.sheet.push_item(node);
        Ok(())
    }
}

impl Fields<'_> {
    fn field<T: Serialize + ?Sized>(&mut self, key: Key, value: &T) -> Result<(), Odd> {
        let node = value.serialize(Lay(self.sheet))?;
        self.sheet.push_entry(key, node);
        Ok(())
    }

    fn close(self) -> Result<Node, Odd> {
        let node = self.sheet.end_map(self.from)?;
        match self.variant {
            Some(variant) => wrapped(self.sheet, variant, node),
            None => Ok(node),
        }
    }
}

fn wrapped(sheet: &mut Sheet, variant: &'static str, node: Node) -> Result<Node, Odd> {
    let from = sheet.begin_map();
    sheet.push_entry(Key::Field(variant), node);
    sheet.end_map(from)
}

impl<'a> ser::Serializer for Lay<'a> {
    type Ok = Node;
    type Error = Odd;
    type SerializeSeq = Items<'a>;
    type SerializeTuple = Items<'a>;
    type SerializeTupleStruct = Items<'a>;
    type SerializeTupleVariant = ser::Impossible<Node, Odd>;
    type SerializeMap = Fields<'a>;
    type SerializeStruct = Fields<'a>;
    type SerializeStructVariant = Fields<'a>;

    fn serialize_bool(self, v: bool) -> Result<Node, Odd> {
        Ok(Node::Bool(v))
    }
    fn serialize_i8(self, v: i8) -> Result<Node, Odd> {
        self.serialize_i64(v.into())
    }
    fn serialize_i16(self, v: i16) -> Result<Node, Odd> {
        self.serialize_i64(v.into())
    }
    fn serialize_i32(self, v: i32) -> Result<Node, Odd> {
        self.serialize_i64(v.into())
    }
    fn serialize_i64(self, v: i64) -> Result<Node, Odd> {
        Ok(Node::Signed(v))
    }
    fn serialize_u8(self, v: u8) -> Result<Node, Odd> {
        self.serialize_u64(v.into())
    }
    fn serialize_u16(self, v: u16) -> Result<Node, Odd> {
        self.serialize_u64(v.into())
    }
    fn serialize_u32(self, v: u32) -> Result<Node, Odd> {
        self.serialize_u64(v.into())
    }
    fn serialize_u64(self, v: u64) -> Result<Node, Odd> {
        Ok(Node::Unsigned(v))
    }
    fn serialize_f32(self, v: f32) -> Result<Node, Odd> {
        self.serialize_f64(v.into())
    }
    fn serialize_f64(self, v: f64) -> Result<Node, Odd> {
        Ok(Node::Float(v))
    }
    fn serialize_char(self, v: char) -> Result<Node, Odd> {
        self.serialize_str(v.encode_utf8(&mut [0; 4]))
    }
    fn serialize_str(self, v: &str) -> Result<Node, Odd> {
        Ok(Node::Text(self.0.keep_text(v)?))
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<Node, Odd> {
        Err(Odd("bytes"))
    }
    fn serialize_none(self) -> Result<Node, Odd> {
        Ok(Node::None)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Node, Odd> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<Node, Odd> {
        Ok(Node::None)
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<Node, Odd> {
        Ok(Node::None)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Node, Odd> {
        self.serialize_str(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Node, Odd> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Node, Odd> {
        let node = value.serialize(Lay(self.0))?;
        wrapped(self.0, variant, node)
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'a>, Odd> {
        Ok(self.items())
    }
    fn serialize_tuple(self, _: usize) -> Result<Items<'a>, Odd> {
        Ok(self.items())
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items<'a>, Odd> {
        Ok(self.items())
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Odd> {
        Err(Odd("a variant with several values"))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Fields<'a>, Odd> {
        Ok(self.fields(None))
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields<'a>, Odd> {
        Ok(self.fields(None))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Fields<'a>, Odd> {
        Ok(self.fields(Some(variant)))
    }
}

macro_rules! items {
    ($($which:ident $method:ident),*) => {$(
        impl ser::$which for Items<'_> {
            type Ok = Node;
            type Error = Odd;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Odd> {
                self.item(value)
            }
            fn end(self) -> Result<Node, Odd> {
                self.sheet.end_list(self.from)
            }
        }
    )*};
}

items!(SerializeSeq serialize_element, SerializeTuple serialize_element, SerializeTupleStruct serialize_field);

macro_rules! fields {
    ($($which:ident),*) => {$(
        impl ser::$which for Fields<'_> {
            type Ok = Node;
            type Error = Odd;
            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Odd> {
                self.field(Key::Field(key), value)
            }
            fn end(self) -> Result<Node, Odd> {
                self.close()
            }
        }
    )*};
}

fields!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Fields<'_> {
    type Ok = Node;
    type Error = Odd;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Odd> {
        match key.serialize(Lay(self.sheet))? {
            Node::Text(text) => self.key = Some(Key::Text(text)),
            _ => return Err(Odd("a key that is no text")),
        }
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Odd> {
        match self.key.take() {
            Some(key) => self.field(key, value),
            None => Err(Odd("a value without a key")),
        }
    }
    fn end(self) -> Result<Node, Odd> {
        self.close()
    }
}
