//! Thrift's compact protocol, as much of it as Parquet's headers and footer need.
//!
//! Source: apache/thrift `doc/specs/thrift-compact-protocol.md`.

const BINARY: u8 = 8;
const I32: u8 = 5;
const I64: u8 = 6;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

/// One struct, being written; `finish` gives its bytes.
#[derive(Default)]
pub(super) struct Struct {
    bytes: Vec<u8>,
    last: i16,
}

impl Struct {
    fn field(&mut self, id: i16, kind: u8) {
        let step = id - self.last;
        assert!((1..=15).contains(&step), "fields ascend in small steps");
        self.bytes.push((step as u8) << 4 | kind);
        self.last = id;
    }

    pub(super) fn boolean(mut self, id: i16, value: bool) -> Self {
        self.field(id, if value { 1 } else { 2 });
        self
    }

    pub(super) fn byte(mut self, id: i16, value: u8) -> Self {
        self.field(id, 3);
        self.bytes.push(value);
        self
    }

    pub(super) fn i32(mut self, id: i16, value: i32) -> Self {
        self.field(id, I32);
        varint(&mut self.bytes, zigzag(value as i64));
        self
    }

    pub(super) fn i64(mut self, id: i16, value: i64) -> Self {
        self.field(id, I64);
        varint(&mut self.bytes, zigzag(value));
        self
    }

    pub(super) fn text(mut self, id: i16, value: &str) -> Self {
        self.field(id, BINARY);
        text(&mut self.bytes, value);
        self
    }

    pub(super) fn structure(mut self, id: i16, value: Struct) -> Self {
        self.field(id, STRUCT);
        self.bytes.extend(value.finish());
        self
    }

    pub(super) fn structures(mut self, id: i16, values: Vec<Struct>) -> Self {
        self.list(id, STRUCT, values.len());
        values.into_iter().for_each(|value| self.bytes.extend(value.finish()));
        self
    }

    pub(super) fn i32s(mut self, id: i16, values: &[i32]) -> Self {
        self.list(id, I32, values.len());
        values.iter().for_each(|&value| varint(&mut self.bytes, zigzag(value as i64)));
        self
    }

    pub(super) fn texts(mut self, id: i16, values: &[&str]) -> Self {
        self.list(id, BINARY, values.len());
        values.iter().for_each(|value| text(&mut self.bytes, value));
        self
    }

    fn list(&mut self, id: i16, kind: u8, len: usize) {
        self.field(id, LIST);
        if len < 15 {
            self.bytes.push((len as u8) << 4 | kind);
        } else {
            self.bytes.push(0xF0 | kind);
            varint(&mut self.bytes, len as u64);
        }
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.bytes.push(0);
        self.bytes
    }
}

fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

fn text(bytes: &mut Vec<u8>, value: &str) {
    varint(bytes, value.len() as u64);
    bytes.extend_from_slice(value.as_bytes());
}

/// Appends an unsigned number, 7 bits a byte, the lowest first.
pub(super) fn varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}
