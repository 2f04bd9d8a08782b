//! Outlets that lend memory for plain outputs: what comes home is what comes home without, for each form of an output, also where items
//! fail and where the memory is just large enough.

use super::bench::{serve, with};
use partools_core::wire::{Growth, Outlet, Record, Request, Stretch, accept, request};
use partools_core::{Chunks, Error, ItemError, Portable, over};
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Memory for so many words, which becomes a record when it is full or something else comes.
struct Lends {
    header: AtomicU64,
    places: Vec<AtomicU64>,
    growth: Growth,
    records: Vec<(Record, Vec<u8>)>,
    lent: usize,
}

impl Lends {
    fn new(words: usize) -> Self {
        Lends {
            header: AtomicU64::new(0),
            places: (0..words).map(|_| AtomicU64::new(0)).collect(),
            growth: Growth::new(0, 5),
            records: Vec::new(),
            lent: 0,
        }
    }

    fn used(&self) -> usize {
        self.growth.low() as usize / 8
    }

    fn close(&mut self) {
        if self.used() > 0 {
            assert_eq!(self.header.load(Relaxed), self.growth.header());
            let words = self.places[..self.used()].iter();
            let row = words.flat_map(|word| word.load(Relaxed).to_ne_bytes());
            self.records.push((Record::Row, row.collect()));
            self.growth = Growth::new(0, 5);
        }
    }
}

impl Outlet for Lends {
    fn send(&mut self, record: Record, payload: &[u8]) {
        self.close();
        self.records.push((record, payload.to_vec()));
    }
    fn gathers(&self) -> bool {
        true
    }
    fn gather(&mut self, element: &[u8]) {
        let mut row = element.to_vec();
        row.resize(element.len().next_multiple_of(8), 0);
        self.send(Record::Row, &row);
    }
    fn room(&mut self, words: usize, elements: usize) -> Option<usize> {
        if self.places.len() - self.used() < words {
            self.close();
        }
        let room = (self.places.len() - self.used()) / words;
        (room > 0).then_some(room.min(elements))
    }
    fn lend(&mut self) -> Option<Stretch<'_>> {
        self.lent += 1;
        let places = &self.places[self.used()..];
        Some(Stretch::new(&self.header, places, &mut self.growth))
    }
}

/// The outputs by way of memory of so many words, and how often it was lent.
fn by_way_of<O: Portable>(
    words: usize,
    item: impl Fn(usize) -> O + Copy + Send + Sync + 'static,
) -> (Vec<Result<O, ItemError>>, usize) {
    let lent = std::cell::Cell::new(0);
    let job = over(0..500).chunk(Chunks::of(200)).map(item);
    let results = with(&job, &|task, run, parcel| {
        let mut message = Request::new();
        while let Some(mut chunk) = run.try_claim() {
            request(task, &mut chunk, &mut message)?;
            let mut outlet = Lends::new(words);
            serve(parcel, |server| {
                server.answer(message.as_bytes(), &mut outlet)
            })??;
            lent.set(lent.get() + outlet.lent);
            for (record, payload) in outlet.records {
                accept(record, &payload, &mut chunk)?;
            }
        }
        Ok::<(), Error>(())
    });
    (results.expect("it went through"), lent.get())
}

fn comes_home<O: Portable + PartialEq + Debug>(
    item: impl Fn(usize) -> O + Copy + Send + Sync + 'static,
) {
    for words in [4, 7, 1000] {
        let (results, lent) = by_way_of(words, item);
        assert!(lent > 0, "nothing was lent");
        for (index, result) in results.into_iter().enumerate() {
            assert_eq!(result.expect("an output"), item(index));
        }
    }
}

#[test]
fn plain_outputs_of_every_size_come_home_by_way_of_memory_that_was_lent() {
    comes_home(|i| i as u64);
    comes_home(|i| i.to_le_bytes()[0]);
    comes_home(|i| [i as f32; 3]);
    comes_home(|i| [i as i64, -1, 3]);
    comes_home(|i| [i as f64, 0.5, -0.0, 2.0]);
    comes_home(|i| i as u128 * u128::from(u64::MAX));
}

#[test]
fn outputs_that_are_not_plain_are_gathered_as_before() {
    let (results, lent) = by_way_of(100, |i| i.to_string());
    assert_eq!(lent, 0);
    assert_eq!(results[499].as_ref().expect("an output"), "499");
}

#[test]
fn an_output_that_the_memory_cannot_hold_is_gathered() {
    let (results, lent) = by_way_of(2, |i| [i as u64; 3]);
    assert_eq!(lent, 0);
    assert_eq!(results[499].as_ref().expect("an output"), &[499; 3]);
}

#[test]
fn items_that_fail_are_named_and_the_others_come_home() {
    let (results, _) = by_way_of(7, |i| match i % 50 {
        49 => panic!("item {i} does not like it"),
        _ => i as u64,
    });
    for (index, result) in results.into_iter().enumerate() {
        match (index % 50, result) {
            (49, Err(error)) => assert_eq!(error.index(), index),
            (_, Ok(output)) => assert_eq!(output, index as u64),
            (_, Err(error)) => panic!("{error}"),
        }
    }
}
