//! An answer in memory, with its small outputs in rows.

use super::answer::{Outlet, Record};
use super::row::append_element;

/// Gathers records as a vector of bytes does, and small outputs in rows: for those who send an answer on, or a part of it at a time,
/// and lose no more than that where the worker dies. Read by [`deliver`](super::deliver) or an [`Incoming`](super::Incoming).
///
/// ```
/// use partools_core::wire::{Gathered, Outlet, Record};
/// let mut answer = Gathered::new();
/// assert!(answer.gathers());
/// answer.gather(&[1; 8]);
/// answer.gather(&[2; 3]);
/// assert_eq!(answer.as_bytes().len(), 1 + 8 + 2 * 8); // one record: kind, length, two elements
/// answer.send(Record::End, &[]);
/// assert_eq!(answer.as_bytes().len(), 25 + 9);
/// ```
#[derive(Debug, Default)]
pub struct Gathered {
    bytes: Vec<u8>,
    /// Where the elements of the row begin that is the last record.
    row: Option<usize>,
}

impl Gathered {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The records so far: whole ones.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Nothing again; the room is kept.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.row = None;
    }
}

impl Outlet for Gathered {
    fn send(&mut self, record: Record, payload: &[u8]) {
        self.row = None;
        self.bytes.send(record, payload);
    }

    fn gathers(&self) -> bool {
        true
    }

    fn gather(&mut self, element: &[u8]) {
        let row = *self.row.get_or_insert_with(|| {
            self.bytes.send(Record::Row, &[]);
            self.bytes.len()
        });
        append_element(&mut self.bytes, element);
        let length = (self.bytes.len() - row) as u64;
        self.bytes[row - 8..row].copy_from_slice(&length.to_le_bytes());
    }
}
