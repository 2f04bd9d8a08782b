//! The interleavings of producer and inbox, explored by shuttle: a random scheduler and PCT, some thousand schedules
//! of each case. Whoever sleeps here sleeps until woken, so a lost wake-up is a deadlock that prints the schedule.
//!
//! ```text
//! RUSTFLAGS="--cfg partools_model" cargo test -p partools-os --test ring_model --release
//! ```
//!
//! Without that cfg this file is empty. Ring, producer and inbox are the real ones; memory, futex and bell are those
//! of `src/model`. Shuttle's memory is sequentially consistent, so this says nothing of fences and orderings.

#![cfg(partools_model)]

use partools_os::{Bell, Inbox, Producer, Received, Ring, Urgency};
use shuttle::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use shuttle::thread::{scope, yield_now};

/// The smallest ring there is.
const CAPACITY: usize = 4096;

/// Explores `f`.
fn explore(schedules: usize, f: fn()) {
    shuttle::check_random(f, schedules);
    shuttle::check_pct(f, schedules, 3);
}

/// Bytes that differ from record to record and from place to place.
fn bytes(record: usize, length: usize) -> Vec<u8> {
    (0..length)
        .map(|i| (i.wrapping_mul(31) ^ (i >> 8) ^ record.wrapping_mul(97)).to_le_bytes()[0])
        .collect()
}

/// A ring and what belongs to it; `lengths` are those of the records that go through.
struct Stage<'a> {
    ring: Ring,
    bell: Bell,
    lengths: &'a [usize],
    /// How many records have come out of the inbox.
    arrived: AtomicUsize,
}

impl Stage<'_> {
    fn new(lengths: &[usize]) -> Stage<'_> {
        Stage {
            ring: Ring::new(CAPACITY).expect("a ring"),
            bell: Bell::new().expect("a bell"),
            lengths,
            arrived: AtomicUsize::new(0),
        }
    }

    /// Runs a producer beside a consumer that wants every record, once and in order.
    fn play(&self, produce: impl FnOnce(Producer<'_>) + Send, before_each: fn()) {
        scope(|s| {
            s.spawn(|| produce(self.ring.producer(&self.bell)));
            // Not on the main task: the end of a scope's last thread wakes that one, wherever it sleeps.
            s.spawn(|| self.consume(before_each));
        });
        assert_eq!(self.arrived.load(SeqCst), self.lengths.len());
    }

    /// Sends all the records, the last one with an urgency of its own.
    fn send_all(&self, producer: &mut Producer<'_>, urgency: Urgency, last: Urgency) {
        for (i, &length) in self.lengths.iter().enumerate() {
            let is_last = i + 1 == self.lengths.len();
            producer.send(
                i.to_le_bytes()[0],
                &bytes(i, length),
                if is_last { last } else { urgency },
            );
        }
    }

    /// Arms, reads all there is, and sleeps by the bell; again, until every record has arrived.
    fn consume(&self, before_each: fn()) {
        let mut inbox = Inbox::new();
        let mut next = 0_usize;
        loop {
            let _unread = inbox.arm(&self.ring);
            loop {
                before_each();
                match inbox.receive(&self.ring).expect("an honest ring") {
                    Received::Nothing => break,
                    // Elements of a word each, which is their number.
                    Received::Part { payload, open, .. } => {
                        for word in payload.as_chunks().0 {
                            assert_eq!(usize::from_ne_bytes(*word), next);
                            next += 1;
                        }
                        self.arrived.store(next, SeqCst);
                        if open {
                            break;
                        }
                    }
                    Received::Record { kind, payload } => {
                        assert_eq!(kind, next.to_le_bytes()[0]);
                        assert!(payload == bytes(next, self.lengths[next]), "record {next}");
                        next += 1;
                        self.arrived.store(next, SeqCst);
                    }
                }
            }
            if next == self.lengths.len() {
                return;
            }
            self.bell.wait();
            self.bell.clear();
        }
    }
}

/// Three times through the ring: pieces of records and whole ones, in another place in every round.
const ROUNDS: [usize; 9] = [0, 5000, 8, 1000, 5000, 0, 1000, 8, 1000];

#[test]
fn prompt_records_wrap_the_ring_and_arrive_once_and_in_order() {
    explore(2000, || {
        let stage = Stage::new(&ROUNDS);
        stage.play(
            |mut producer| stage.send_all(&mut producer, Urgency::Prompt, Urgency::Prompt),
            || {},
        );
    });
}

#[test]
fn lazy_records_arrive_by_one_prompt_one_at_the_end() {
    explore(2000, || {
        let stage = Stage::new(&ROUNDS);
        stage.play(
            |mut producer| stage.send_all(&mut producer, Urgency::Lazy, Urgency::Prompt),
            || {},
        );
    });
}

#[test]
fn a_producer_that_found_no_room_is_woken_by_a_slow_consumer() {
    explore(2000, || {
        let stage = Stage::new(&[1000; 10]);
        stage.play(
            |mut producer| stage.send_all(&mut producer, Urgency::Lazy, Urgency::Prompt),
            || (0..200).for_each(|_| yield_now()),
        );
    });
}

#[test]
fn a_settled_producer_knows_that_all_was_read() {
    explore(4000, || {
        // Small ones: their room is given back when the consumer finds nothing behind them, and not before.
        let stage = Stage::new(&[8, 0, 30]);
        let settles = |mut producer: Producer<'_>| {
            for (i, &length) in stage.lengths.iter().enumerate() {
                producer.send(i.to_le_bytes()[0], &bytes(i, length), Urgency::Lazy);
                producer.settle();
                assert_eq!(stage.arrived.load(SeqCst), i + 1);
            }
        };
        stage.play(settles, || {});
    });
}

#[test]
fn a_consumer_that_armed_read_and_sleeps_misses_no_prompt_record() {
    explore(4000, || {
        let stage = Stage::new(&[8, 0, 16, 8]);
        stage.play(
            |mut producer| stage.send_all(&mut producer, Urgency::Prompt, Urgency::Prompt),
            || {},
        );
    });
}

/// So many elements in runs; it wakes the consumer behind the last one, and behind each `often`-th.
fn append_all(producer: &mut Producer<'_>, elements: usize, often: usize) {
    for element in 0..elements {
        let bytes = element.to_ne_bytes();
        if !producer.append(1, &bytes) {
            producer.open_run(1, bytes.len());
            assert!(producer.append(1, &bytes));
        }
        if element % often == 0 || element + 1 == elements {
            producer.wake();
        }
    }
}

/// The same, into places that were lent.
fn put_all(producer: &mut Producer<'_>, elements: usize, often: usize) {
    let mut next = 0;
    while next < elements {
        let most = often.min(elements - next);
        let room = producer.room(1, 1, most);
        let mut stretch = producer.lend(1).expect("it has room");
        for element in next..next + room {
            assert!(stretch.put(&element.to_ne_bytes()));
        }
        drop(stretch);
        next += room;
        if room == most {
            producer.wake();
        }
    }
}

#[test]
fn places_that_were_lent_are_read_while_they_are_filled_and_the_last_wakes() {
    explore(4000, || {
        let stage = Stage::new(&[8; 5]);
        stage.play(
            |mut producer| {
                put_all(&mut producer, 5, 2);
                std::mem::forget(producer);
            },
            || {},
        );
    });
}

#[test]
fn places_are_lent_through_the_whole_ring_when_there_is_room() {
    explore(200, || {
        let stage = Stage::new(&[8; 1300]);
        stage.play(|mut producer| put_all(&mut producer, 1300, 400), || {});
    });
}

#[test]
fn a_run_is_read_while_it_grows_each_element_once_and_the_last_wakes() {
    explore(4000, || {
        let stage = Stage::new(&[8; 5]);
        stage.play(
            |mut producer| {
                append_all(&mut producer, 5, 2);
                // It is not closed: as with a producer that dies.
                std::mem::forget(producer);
            },
            || {},
        );
    });
}

#[test]
fn runs_fill_the_ring_and_go_on_when_there_is_room() {
    explore(200, || {
        let stage = Stage::new(&[8; 1300]);
        stage.play(|mut producer| append_all(&mut producer, 1300, 2000), || {});
    });
}
