//! How a view is laid out on a sheet: serde's side of it.

use serde::ser::{self, Serialize};

use super::node::{Node, Stretch};
use super::sheet::{Odd, Place, Sheet};
use crate::render::words::ONE;

/// Lays one value out.
pub(super) struct Lay<'a> {
    pub(super) sheet: &'a mut Sheet,
    pub(super) to: Place,
}

/// A list while it is laid out.
pub(super) struct Items<'a> {
    sheet: &'a mut Sheet,
    from: usize,
    to: Place,
}

/// Fields while they are laid out; those of an enum's variant are wrapped in its name.
pub(super) struct Fields<'a> {
    sheet: &'a mut Sheet,
    from: usize,
    to: Place,
    /// The last key that had no value yet.
    key: Option<Stretch>,
    variant: Option<&'static str>,
}

impl<'a> Lay<'a> {
    #[inline]
    fn put(self, node: Node) -> Result<(), Odd> {
        self.sheet.push(self.to, node);
        Ok(())
    }

    fn items(self) -> Items<'a> {
        Items { from: self.sheet.begin_list(), sheet: self.sheet, to: self.to }
    }

    fn fields(self, variant: Option<&'static str>) -> Fields<'a> {
        Fields { from: self.sheet.begin_map(), sheet: self.sheet, to: self.to, key: None, variant }
    }
}

impl Items<'_> {
    #[inline]
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Odd> {
        value.serialize(Lay { sheet: self.sheet, to: Place::Item })
    }
}

impl Fields<'_> {
    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, to: Place, value: &T) -> Result<(), Odd> {
        value.serialize(Lay { sheet: self.sheet, to })
    }

    fn close(self) -> Result<(), Odd> {
        match self.variant {
            // They lie open behind what they are wrapped in, and nothing else does.
            Some(variant) => {
                self.sheet.end_map(self.from, Place::Field(variant))?;
                self.sheet.end_map(self.from, self.to)
            }
            None => self.sheet.end_map(self.from, self.to),
        }
    }
}

impl<'a> ser::Serializer for Lay<'a> {
    type Ok = ();
    type Error = Odd;
    type SerializeSeq = Items<'a>;
    type SerializeTuple = Items<'a>;
    type SerializeTupleStruct = Items<'a>;
    type SerializeTupleVariant = ser::Impossible<(), Odd>;
    type SerializeMap = Fields<'a>;
    type SerializeStruct = Fields<'a>;
    type SerializeStructVariant = Fields<'a>;

    fn serialize_bool(self, v: bool) -> Result<(), Odd> {
        self.put(Node::bool(v))
    }
    fn serialize_i8(self, v: i8) -> Result<(), Odd> {
        self.serialize_i64(v.into())
    }
    fn serialize_i16(self, v: i16) -> Result<(), Odd> {
        self.serialize_i64(v.into())
    }
    fn serialize_i32(self, v: i32) -> Result<(), Odd> {
        self.serialize_i64(v.into())
    }
    fn serialize_i64(self, v: i64) -> Result<(), Odd> {
        self.put(Node::signed(v))
    }
    fn serialize_u8(self, v: u8) -> Result<(), Odd> {
        self.serialize_u64(v.into())
    }
    fn serialize_u16(self, v: u16) -> Result<(), Odd> {
        self.serialize_u64(v.into())
    }
    fn serialize_u32(self, v: u32) -> Result<(), Odd> {
        self.serialize_u64(v.into())
    }
    fn serialize_u64(self, v: u64) -> Result<(), Odd> {
        self.put(Node::unsigned(v))
    }
    fn serialize_f32(self, v: f32) -> Result<(), Odd> {
        self.serialize_f64(v.into())
    }
    fn serialize_f64(self, v: f64) -> Result<(), Odd> {
        self.put(Node::float(v))
    }
    fn serialize_char(self, v: char) -> Result<(), Odd> {
        self.serialize_str(v.encode_utf8(&mut [0; 4]))
    }
    fn serialize_str(self, v: &str) -> Result<(), Odd> {
        let text = self.sheet.keep_text(v)?;
        self.put(Node::text(text))
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<(), Odd> {
        Err(Odd("bytes"))
    }
    fn serialize_none(self) -> Result<(), Odd> {
        self.put(Node::NONE)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Odd> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), Odd> {
        self.put(Node::NONE)
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Odd> {
        self.put(Node::NONE)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Odd> {
        self.serialize_str(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Odd> {
        if name != ONE {
            return value.serialize(self);
        }
        let (sheet, to) = (self.sheet, self.to);
        let address = std::ptr::from_ref(value).addr();
        if let Some(node) = sheet.one(address) {
            sheet.push(to, node);
            return Ok(());
        }
        value.serialize(Lay { sheet: &mut *sheet, to })?;
        if let Some(node) = sheet.last(to) {
            sheet.keep_one(address, node);
        }
        Ok(())
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Odd> {
        let (sheet, to) = (self.sheet, self.to);
        let from = sheet.begin_map();
        value.serialize(Lay { sheet: &mut *sheet, to: Place::Field(variant) })?;
        sheet.end_map(from, to)
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
            type Ok = ();
            type Error = Odd;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Odd> {
                self.item(value)
            }
            fn end(self) -> Result<(), Odd> {
                self.sheet.end_list(self.from, self.to)
            }
        }
    )*};
}

items!(SerializeSeq serialize_element, SerializeTuple serialize_element, SerializeTupleStruct serialize_field);

macro_rules! fields {
    ($($which:ident),*) => {$(
        impl ser::$which for Fields<'_> {
            type Ok = ();
            type Error = Odd;
            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Odd> {
                self.field(Place::Field(key), value)
            }
            fn end(self) -> Result<(), Odd> {
                self.close()
            }
        }
    )*};
}

fields!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Fields<'_> {
    type Ok = ();
    type Error = Odd;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Odd> {
        key.serialize(Lay { sheet: self.sheet, to: Place::Item })?;
        self.key = self.sheet.take_text();
        if self.key.is_none() {
            return Err(Odd("a key that is no text"));
        }
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Odd> {
        match self.key.take() {
            Some(key) => self.field(Place::Key(key), value),
            None => Err(Odd("a value without a key")),
        }
    }
    fn end(self) -> Result<(), Odd> {
        self.close()
    }
}
