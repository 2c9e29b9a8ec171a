//! What a page is made from, as one number: everything a view would show, fed to SHA-256 without being written out.
//!
//! A server chooses much of that text, so the hash must be one for which nobody finds two texts.

use std::cell::RefCell;
use std::fmt;

use serde::ser::{self, Serialize};
use sha2::{Digest as _, Sha256};

/// Bytes of what is mostly digested.
const ROOM: usize = 512;
/// A larger buffer is given back.
const LARGEST: usize = 1 << 16;

thread_local! {
    /// Buffers that are used again: a page and its twin need several, one after another and some in one another.
    static SPARE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// The first 16 bytes of a SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Digest(pub(super) [u8; 16]);

impl Digest {
    /// Of a view or of rows: values of the same shape have one digest only if they are equal.
    pub(super) fn of(value: &impl Serialize) -> Digest {
        let mut inputs = Inputs::default();
        inputs.add(value);
        inputs.done()
    }

    /// Of bytes, which no value of another kind may have the place of.
    pub(super) fn of_bytes(bytes: &[u8]) -> Digest {
        let mut digest = Digest::default();
        let whole = Sha256::digest(bytes);
        for (to, from) in digest.0.iter_mut().zip(whole) {
            *to = from;
        }
        digest
    }

    /// From 32 hex digits.
    pub(super) fn from_hex(text: &str) -> Option<Digest> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Digest(bytes))
    }

    /// Appends it as 32 hex digits.
    pub(super) fn put_hex(self, out: &mut String) {
        let mut digits = [0; 32];
        hex::encode_to_slice(self.0, &mut digits).expect("two digits for each byte");
        out.push_str(std::str::from_utf8(&digits).expect("hex digits are ASCII"));
    }

    /// Its first eight bytes, for tables in memory.
    pub(super) fn short(self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

impl Serialize for Digest {
    fn serialize<S: ser::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(&self.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = String::with_capacity(32);
        self.put_hex(&mut digits);
        f.write_str(&digits)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Values that are digested together, in order.
pub(super) struct Inputs {
    bytes: Vec<u8>,
}

impl Default for Inputs {
    fn default() -> Self {
        let spare = SPARE.with_borrow_mut(Vec::pop);
        Self { bytes: spare.unwrap_or_else(|| Vec::with_capacity(ROOM)) }
    }
}

impl Drop for Inputs {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        SPARE.with_borrow_mut(|all| {
            if all.len() < 8 && bytes.capacity() <= LARGEST {
                all.push(bytes);
            }
        });
    }
}

impl Inputs {
    /// One more value.
    pub(super) fn add(&mut self, value: &(impl Serialize + ?Sized)) {
        value.serialize(Feed(&mut self.bytes)).expect("feeding bytes to memory cannot fail");
    }

    /// True if a text among them holds `part`.
    pub(super) fn hold(&self, part: &str) -> bool {
        memchr::memmem::find(&self.bytes, part.as_bytes()).is_some()
    }

    /// The digest of all of them.
    pub(super) fn done(&self) -> Digest {
        Digest::of_bytes(&self.bytes)
    }
}

/// Every value is written with its kind and, where it has one, its length, so that no two sequences of values read alike.
struct Feed<'a>(&'a mut Vec<u8>);

#[derive(Debug)]
struct Never(String);

impl fmt::Display for Never {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Never {}

impl ser::Error for Never {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Never(message.to_string())
    }
}

impl<'a> Feed<'a> {
    fn word(self, kind: u8, value: u64) -> Result<(), Never> {
        self.0.push(kind);
        self.0.extend_from_slice(&value.to_le_bytes());
        Ok(())
    }

    fn text(self, kind: u8, value: &[u8]) -> Result<(), Never> {
        self.0.push(kind);
        self.0.extend_from_slice(&(value.len() as u64).to_le_bytes());
        self.0.extend_from_slice(value);
        Ok(())
    }

    fn open(self, kind: u8) -> Result<Parts<'a>, Never> {
        self.0.push(kind);
        Ok(Parts(self.0))
    }
}

/// The parts of a list, a map or a struct; closed by a mark of its own.
struct Parts<'a>(&'a mut Vec<u8>);

impl Parts<'_> {
    fn part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Never> {
        value.serialize(Feed(self.0))
    }

    fn close(self) -> Result<(), Never> {
        self.0.push(0xff);
        Ok(())
    }
}

impl<'a> ser::Serializer for Feed<'a> {
    type Ok = ();
    type Error = Never;
    type SerializeSeq = Parts<'a>;
    type SerializeTuple = Parts<'a>;
    type SerializeTupleStruct = Parts<'a>;
    type SerializeTupleVariant = Parts<'a>;
    type SerializeMap = Parts<'a>;
    type SerializeStruct = Parts<'a>;
    type SerializeStructVariant = Parts<'a>;

    fn serialize_bool(self, v: bool) -> Result<(), Never> {
        self.word(1, u64::from(v))
    }
    fn serialize_i8(self, v: i8) -> Result<(), Never> {
        self.serialize_i64(v.into())
    }
    fn serialize_i16(self, v: i16) -> Result<(), Never> {
        self.serialize_i64(v.into())
    }
    fn serialize_i32(self, v: i32) -> Result<(), Never> {
        self.serialize_i64(v.into())
    }
    fn serialize_i64(self, v: i64) -> Result<(), Never> {
        self.word(2, u64::from_le_bytes(v.to_le_bytes()))
    }
    fn serialize_u8(self, v: u8) -> Result<(), Never> {
        self.serialize_u64(v.into())
    }
    fn serialize_u16(self, v: u16) -> Result<(), Never> {
        self.serialize_u64(v.into())
    }
    fn serialize_u32(self, v: u32) -> Result<(), Never> {
        self.serialize_u64(v.into())
    }
    fn serialize_u64(self, v: u64) -> Result<(), Never> {
        self.word(3, v)
    }
    fn serialize_f32(self, v: f32) -> Result<(), Never> {
        self.serialize_f64(v.into())
    }
    fn serialize_f64(self, v: f64) -> Result<(), Never> {
        self.word(4, v.to_bits())
    }
    fn serialize_char(self, v: char) -> Result<(), Never> {
        self.word(5, u64::from(u32::from(v)))
    }
    fn serialize_str(self, v: &str) -> Result<(), Never> {
        self.text(6, v.as_bytes())
    }
    fn serialize_bytes(self, v: &[u8]) -> Result<(), Never> {
        self.text(7, v)
    }
    fn serialize_none(self) -> Result<(), Never> {
        self.word(8, 0)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Never> {
        self.0.push(9);
        value.serialize(Feed(self.0))
    }
    fn serialize_unit(self) -> Result<(), Never> {
        self.word(10, 0)
    }
    fn serialize_unit_struct(self, name: &'static str) -> Result<(), Never> {
        self.serialize_str(name)
    }
    fn serialize_unit_variant(self, _: &'static str, index: u32, name: &'static str) -> Result<(), Never> {
        self.0.extend_from_slice(&index.to_le_bytes());
        Feed(self.0).text(11, name.as_bytes())
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Never> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Never> {
        Feed(self.0).serialize_unit_variant(name, index, variant)?;
        value.serialize(Feed(self.0))
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'a>, Never> {
        self.open(12)
    }
    fn serialize_tuple(self, _: usize) -> Result<Parts<'a>, Never> {
        self.open(13)
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts<'a>, Never> {
        self.open(13)
    }
    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'a>, Never> {
        Feed(self.0).serialize_unit_variant(name, index, variant)?;
        Feed(self.0).open(13)
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Parts<'a>, Never> {
        self.open(14)
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts<'a>, Never> {
        self.open(15)
    }
    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'a>, Never> {
        Feed(self.0).serialize_unit_variant(name, index, variant)?;
        Feed(self.0).open(15)
    }
}

macro_rules! parts {
    ($($which:ident $method:ident),*) => {$(
        impl ser::$which for Parts<'_> {
            type Ok = ();
            type Error = Never;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Never> {
                self.part(value)
            }
            fn end(self) -> Result<(), Never> {
                self.close()
            }
        }
    )*};
}

parts!(SerializeSeq serialize_element, SerializeTuple serialize_element, SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field);

impl ser::SerializeMap for Parts<'_> {
    type Ok = ();
    type Error = Never;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Never> {
        self.part(key)
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Never> {
        self.part(value)
    }
    fn end(self) -> Result<(), Never> {
        self.close()
    }
}

impl ser::SerializeStruct for Parts<'_> {
    type Ok = ();
    type Error = Never;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, value: &T) -> Result<(), Never> {
        self.part(value)
    }
    fn end(self) -> Result<(), Never> {
        self.close()
    }
}

impl ser::SerializeStructVariant for Parts<'_> {
    type Ok = ();
    type Error = Never;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, value: &T) -> Result<(), Never> {
        self.part(value)
    }
    fn end(self) -> Result<(), Never> {
        self.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reads_alike_when_written_out_has_digests_of_its_own() {
        let pairs = [
            (Digest::of(&("ab", "c")), Digest::of(&("a", "bc"))),
            (Digest::of(&vec![vec!["a"], vec![]]), Digest::of(&vec![vec![], vec!["a"]])),
            (Digest::of(&Some("")), Digest::of(&None::<&str>)),
            (Digest::of(&1_u64), Digest::of(&"1")),
        ];
        assert!(pairs.iter().all(|(a, b)| a != b));
        let value = serde_json::json!({"a": [1, "x", null], "b": 2.5});
        assert_eq!(Digest::of(&value), Digest::of(&value.clone()));
        assert_eq!(Digest::from_hex(&Digest::of(&1).to_string()), Some(Digest::of(&1)));
    }
}
