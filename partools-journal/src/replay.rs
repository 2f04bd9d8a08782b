//! What a journal has: which items, and their outputs in item order.

use crate::scan::Record;
use crate::store::Store;
use partools_core::wire::FrameReader;
use partools_core::{CodecError, Portable};
use std::collections::VecDeque;
use std::io;

/// The outputs of a record, or `None` where they make no sense.
pub(crate) fn outputs<O: Portable>(payload: &[u8]) -> Option<Vec<O>> {
    let mut reader = FrameReader::new(payload);
    let mut outputs = Vec::new();
    while !reader.is_empty() {
        let output: Result<O, CodecError> = reader.value();
        reader.check().ok()?;
        outputs.push(output.ok()?);
    }
    Some(outputs)
}

/// Where the outputs of consecutive items lie.
#[derive(Debug, Clone, Copy)]
struct Place {
    first: usize,
    count: usize,
    offset: u64,
    len: usize,
}

/// Which outputs a journal has, to be read again in item order.
pub(crate) struct Taken {
    have: Vec<bool>,
    places: VecDeque<Place>,
}

impl Taken {
    pub(crate) fn new(count: usize) -> Self {
        Taken {
            have: vec![false; count],
            places: VecDeque::new(),
        }
    }

    /// Notes a record of `O`s. False where it makes no sense.
    pub(crate) fn note<O: Portable>(
        &mut self,
        record: &Record<'_>,
        mut each: impl FnMut(usize, O),
    ) -> bool {
        let (Some(outputs), Ok(first)) =
            (outputs::<O>(record.payload), usize::try_from(record.index))
        else {
            return false;
        };
        let count = outputs.len();
        for (index, output) in (first..).zip(outputs) {
            // A longer map may have written it.
            let Some(have) = self.have.get_mut(index) else {
                break;
            };
            if !std::mem::replace(have, true) {
                each(index, output);
            }
        }
        self.places.push_back(Place {
            first,
            count,
            offset: record.offset,
            len: record.payload.len(),
        });
        true
    }

    /// How many items it has.
    pub(crate) fn len(&self) -> usize {
        self.have.iter().filter(|&&have| have).count()
    }

    /// The items that it has not, in order.
    pub(crate) fn missing(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.have.len()).filter(|&index| !self.have[index])
    }

    /// To read them in item order.
    pub(crate) fn replay<O>(mut self) -> Replay<O> {
        self.places
            .make_contiguous()
            .sort_by_key(|place| (place.first, place.offset));
        Replay {
            count: self.have.len(),
            places: self.places,
            ready: VecDeque::new(),
            next: 0,
            payload: Vec::new(),
        }
    }
}

/// The outputs that a journal has, in item order, a record at a time.
pub(crate) struct Replay<O> {
    count: usize,
    places: VecDeque<Place>,
    /// Of the record that was read last.
    ready: VecDeque<(usize, O)>,
    /// Outputs below were given.
    next: usize,
    payload: Vec<u8>,
}

impl<O: Portable> Replay<O> {
    /// The next output below `bound`.
    pub(crate) fn below(
        &mut self,
        bound: usize,
        store: &mut Store,
    ) -> io::Result<Option<(usize, O)>> {
        loop {
            match self.ready.front() {
                Some(&(index, _)) if index >= bound => return Ok(None),
                Some(_) => {
                    let given = self.ready.pop_front();
                    self.next = given.as_ref().map_or(self.next, |(index, _)| index + 1);
                    return Ok(given);
                }
                None => {}
            }
            let Some(place) = self.places.front().filter(|place| place.first < bound) else {
                return Ok(None);
            };
            let (first, count, offset, len) = (place.first, place.count, place.offset, place.len);
            self.places.pop_front();
            if first + count <= self.next {
                continue;
            }
            store.payload(offset, len, &mut self.payload)?;
            let outputs = outputs::<O>(&self.payload).ok_or_else(|| {
                io::Error::other("a record of the journal changed while the map ran")
            })?;
            let (next, end) = (self.next, self.count);
            self.ready.extend(
                (first..end)
                    .zip(outputs)
                    .filter(|&(index, _)| index >= next),
            );
        }
    }
}
