//! The ring in one process: every place where a record can wrap, and full and empty rings with a reader beside. What
//! writers do that go mad is in `lies.rs`; rings between processes in `tests/forking/rings.rs`.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use super::{Bell, Corrupt, HEAD, Inbox, Received, Ring, Urgency, frame};

mod lies;
mod runs;

const CAPACITY: usize = 4096;

/// A ring with all that belongs to it.
struct Set {
    ring: Ring,
    bell: Bell,
    inbox: Inbox,
}

fn set(capacity: usize) -> Set {
    Set {
        ring: Ring::new(capacity).expect("a ring"),
        bell: Bell::new().expect("a bell"),
        inbox: Inbox::new(),
    }
}

/// Bytes that differ from record to record and from place to place.
fn bytes(record: usize, length: usize) -> Vec<u8> {
    (0..length)
        .map(|i| (i.wrapping_mul(31) ^ (i >> 8) ^ record.wrapping_mul(97)).to_le_bytes()[0])
        .collect()
}

fn rang(bell: &Bell) -> bool {
    let mut count = [0; 8];
    rustix::io::read(bell, &mut count).is_ok()
}

/// The next record, or None.
fn take(inbox: &mut Inbox, ring: &Ring) -> Result<Option<(u8, Vec<u8>)>, Corrupt> {
    Ok(match inbox.receive(ring)? {
        Received::Record { kind, payload } => Some((kind, payload.to_vec())),
        Received::Part { .. } => panic!("nobody opened a run"),
        Received::Nothing => None,
    })
}

/// The next record, from a producer that runs beside.
fn await_record(inbox: &mut Inbox, ring: &Ring) -> (u8, Vec<u8>) {
    let begun = Instant::now();
    loop {
        if let Some(record) = take(inbox, ring).expect("an honest ring") {
            return record;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "the producer is gone"
        );
        thread::yield_now();
    }
}

/// Puts a word where a crashing child may put it.
fn overwrite(ring: &Ring, word: usize, value: u64) {
    ring.region().words()[word].store(value, Relaxed);
}

#[test]
fn records_come_out_as_they_went_in_at_every_place_of_the_ring() {
    let Set {
        ring,
        bell,
        mut inbox,
    } = set(CAPACITY);
    let mut producer = ring.producer(&bell);
    let limit = frame::limit(CAPACITY);
    for place in 0..CAPACITY / 8 {
        for length in [0, 1, 7, 8, 9, limit - 1, limit, limit + 1, 3 * limit] {
            let sent = bytes(place, length);
            producer.send(5, &sent, Urgency::Lazy);
            assert_eq!(
                take(&mut inbox, &ring),
                Ok(Some((5, sent))),
                "{length} bytes at {place}"
            );
            assert_eq!(take(&mut inbox, &ring), Ok(None));
        }
        // Moves on to the next multiple of eight, whatever the lengths above add up to.
        while inbox_place(&ring) != (place + 1) % (CAPACITY / 8) {
            producer.send(0, b"", Urgency::Lazy);
            assert_eq!(take(&mut inbox, &ring), Ok(Some((0, vec![]))));
            assert_eq!(take(&mut inbox, &ring), Ok(None));
        }
    }
}

fn inbox_place(ring: &Ring) -> usize {
    usize::try_from(ring.tail().load(Relaxed)).expect("small") / 8 % (CAPACITY / 8)
}

#[test]
fn records_larger_than_the_ring_pass_through_it() {
    let lengths = [
        0,
        1,
        7,
        8,
        9,
        CAPACITY - 1,
        CAPACITY,
        CAPACITY + 1,
        10 * CAPACITY,
        1_000_003,
    ];
    let Set {
        ring,
        bell,
        mut inbox,
    } = set(CAPACITY);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut producer = ring.producer(&bell);
            for (record, &length) in lengths.iter().enumerate() {
                producer.send(9, &bytes(record, length), Urgency::Lazy);
            }
            producer.settle();
        });
        for (record, &length) in lengths.iter().enumerate() {
            assert_eq!(await_record(&mut inbox, &ring), (9, bytes(record, length)));
        }
        assert_eq!(take(&mut inbox, &ring), Ok(None));
    });
}

#[test]
fn a_blocked_producer_is_woken_and_does_not_wait_for_its_timeout() {
    const RECORDS: usize = 3000;
    let Set {
        ring,
        bell,
        mut inbox,
    } = set(CAPACITY);
    let begun = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut producer = ring.producer(&bell);
            for record in 0..RECORDS {
                producer.send(1, &bytes(record, 1000), Urgency::Lazy);
                if record % 7 == 0 {
                    producer.settle();
                }
            }
        });
        let mut record = 0;
        while record < RECORDS {
            match take(&mut inbox, &ring).expect("an honest ring") {
                Some((_, got)) => {
                    assert_eq!(got, bytes(record, 1000));
                    record += 1;
                }
                // Only the bell ends this sleep before its limit.
                None if !inbox.arm(&ring) => {
                    let limit = Some(Duration::from_secs(30));
                    crate::wait_any(&bell, std::iter::empty(), limit).expect("a wait");
                    assert!(begun.elapsed() < Duration::from_secs(30), "slept too long");
                    inbox.disarm(&ring);
                }
                None => {}
            }
        }
        assert_eq!(take(&mut inbox, &ring), Ok(None));
    });
    // Hundreds of sleeps on either side: a few lost wake-ups, at 100 ms each, would show.
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn settle_returns_once_everything_was_taken_out() {
    let Set {
        ring,
        bell,
        mut inbox,
    } = set(CAPACITY);
    let settled = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut producer = ring.producer(&bell);
            producer.settle();
            producer.send(1, b"x", Urgency::Lazy);
            producer.settle();
            settled.store(true, SeqCst);
        });
        await_record(&mut inbox, &ring);
        assert!(
            !settled.load(SeqCst),
            "the reader has not said yet that it took the record out"
        );
        assert_eq!(take(&mut inbox, &ring), Ok(None));
    });
    assert!(settled.load(SeqCst));
}

#[test]
fn the_bell_rings_for_a_sleeper_only_and_once() {
    let Set {
        ring,
        bell,
        mut inbox,
    } = set(CAPACITY);
    let mut producer = ring.producer(&bell);
    producer.send(1, b"x", Urgency::Prompt);
    assert!(!rang(&bell), "nobody sleeps");
    assert!(inbox.arm(&ring), "something is there");
    inbox.disarm(&ring);
    producer.send(1, b"x", Urgency::Prompt);
    assert!(!rang(&bell), "the reader is awake again");

    while take(&mut inbox, &ring).expect("an honest ring").is_some() {}
    assert!(!inbox.arm(&ring));
    producer.send(1, b"x", Urgency::Lazy);
    assert!(!rang(&bell), "a lazy record lets it sleep");
    producer.send(1, b"x", Urgency::Prompt);
    assert!(rang(&bell));
    producer.send(1, b"x", Urgency::Prompt);
    assert!(!rang(&bell), "it was woken already");
}

#[test]
fn the_bell_rings_for_lazy_records_when_half_of_the_ring_is_used() {
    let Set {
        ring,
        bell,
        mut inbox,
    } = set(CAPACITY);
    assert!(!inbox.arm(&ring));
    let mut producer = ring.producer(&bell);
    let sent = (1..=CAPACITY / 16).find(|_| {
        producer.send(1, b"8 bytes.", Urgency::Lazy);
        rang(&bell)
    });
    assert_eq!(sent, Some(CAPACITY / 2 / 16 + 1));
}

#[test]
fn a_record_that_broke_off_is_known_as_such() {
    let Set {
        mut ring,
        bell,
        mut inbox,
    } = set(CAPACITY);
    ring.producer(&bell).send(1, &[1; 1500], Urgency::Lazy);
    // As if the producer had died between the two frames.
    overwrite(&ring, HEAD, 8 + 1024);
    assert_eq!(take(&mut inbox, &ring), Ok(None));
    assert!(inbox.is_amid_record());
    ring.renew(&mut inbox);
    assert!(!inbox.is_amid_record());
}

#[test]
fn nothing_is_said_only_after_a_fresh_look() {
    let Set {
        ring,
        bell,
        mut inbox,
    } = set(CAPACITY);
    let mut producer = ring.producer(&bell);
    producer.send(1, b"first", Urgency::Lazy);
    producer.send(2, &[2; 1500], Urgency::Lazy);
    let head = ring.head().load(Relaxed);
    // The first look sees one record and a half; the rest is there before the second one.
    overwrite(&ring, HEAD, 16 + 8 + 1024);
    assert_eq!(take(&mut inbox, &ring), Ok(Some((1, b"first".to_vec()))));
    overwrite(&ring, HEAD, head);
    assert_eq!(take(&mut inbox, &ring), Ok(Some((2, vec![2; 1500]))));
}
