//! Writers that go mad: what they leave is found out, or is the truth.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::thread;

use super::super::{ASLEEP, DATA, HEAD, ROOM, Ring, TAIL, Urgency, WANTED, frame};
use super::{CAPACITY, Corrupt, Set, bytes, overwrite, set, take};

/// A small generator (xorshift64*): the same scribbles on every run.
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("below a usize")
    }
}

fn corrupts(change: impl Fn(&Ring)) -> bool {
    let Set {
        ring,
        bell,
        mut inbox,
    } = set(CAPACITY);
    ring.producer(&bell).send(1, &bytes(0, 100), Urgency::Lazy);
    change(&ring);
    let first = take(&mut inbox, &ring);
    first.is_err() && take(&mut inbox, &ring) == first && !inbox.arm(&ring)
}

#[test]
fn every_lie_about_a_frame_is_found_and_stays_found() {
    let header = |length: u64, kind: u64, more: u64| length | kind << 24 | more << 31;
    let sent = header(100, 1, 0);
    let flip = |bits: u64| {
        move |ring: &Ring| {
            ring.region().words()[DATA].fetch_xor(bits, Relaxed);
        }
    };
    assert!(
        corrupts(|ring| overwrite(ring, HEAD, 4104)),
        "a head beyond the capacity"
    );
    assert!(
        corrupts(|ring| overwrite(ring, HEAD, u64::MAX - 7)),
        "a head before the beginning"
    );
    assert!(
        corrupts(|ring| overwrite(ring, HEAD, 113)),
        "a head between words"
    );
    assert!(
        corrupts(|ring| overwrite(ring, HEAD, 104)),
        "a head within the frame"
    );
    assert!(corrupts(|ring| overwrite(ring, DATA, 0)), "no header");
    assert!(corrupts(flip(sent ^ header(99, 1, 0))), "another length");
    assert!(
        corrupts(flip(sent ^ header(1025, 1, 0))),
        "a length beyond the limit"
    );
    assert!(
        corrupts(flip(sent ^ header(0xFF_FFFF, 1, 0))),
        "the largest length"
    );
    assert!(corrupts(flip(sent ^ header(100, 2, 0))), "another kind");
    assert!(corrupts(flip(sent ^ header(100, 1, 1))), "more to follow");
    assert!(corrupts(flip(1 << 63)), "another check");
    assert!(
        corrupts(|ring| overwrite(ring, DATA + 12, 0)),
        "another payload"
    );
    assert!(!corrupts(|_| ()), "and the truth is believed");
    assert!(
        !corrupts(|ring| overwrite(ring, TAIL, 77)),
        "the reader knows its tail by itself"
    );
}

/// A frame that is sealed as it should be, and says what no producer says.
fn forged(length: usize, more: bool) -> Result<Option<(u8, Vec<u8>)>, Corrupt> {
    let Set {
        ring, mut inbox, ..
    } = set(CAPACITY);
    let low = frame::Header {
        length,
        kind: 1,
        more,
    }
    .encode();
    let sealed = frame::seal(low, ring.epoch, 0, &vec![0; length]);
    overwrite(&ring, DATA, sealed);
    overwrite(&ring, HEAD, 8 * (1 + frame::words(length) as u64));
    take(&mut inbox, &ring)
}

#[test]
fn the_right_seal_does_not_make_a_wrong_frame_right() {
    assert_eq!(forged(1024, false), Ok(Some((1, vec![0; 1024]))));
    assert_eq!(forged(1024, true), Ok(None));
    assert!(forged(1032, false).is_err(), "beyond the limit");
    assert!(forged(1016, true).is_err(), "a piece that is not full");
}

#[test]
fn a_repeated_piece_of_a_record_is_found() {
    let Set {
        ring,
        bell,
        mut inbox,
    } = set(CAPACITY);
    // Two frames; then the second header claims the first one's place in the stream.
    ring.producer(&bell).send(1, &[7; 2048], Urgency::Lazy);
    let first = ring.region().words()[DATA].load(Relaxed);
    overwrite(&ring, DATA + 129, first);
    assert!(take(&mut inbox, &ring).is_err());
}

#[test]
fn a_producer_whose_counters_were_overwritten_panics_and_does_not_hang() {
    let Set { ring, bell, .. } = set(CAPACITY);
    let mut producer = ring.producer(&bell);
    overwrite(&ring, TAIL, 1 << 40);
    let sending = std::panic::AssertUnwindSafe(|| {
        for _ in 0..CAPACITY {
            producer.send(1, b"x", Urgency::Lazy);
        }
    });
    assert!(std::panic::catch_unwind(sending).is_err());
}

#[test]
fn a_renewed_ring_forgets_its_last_producer() {
    let Set {
        mut ring,
        bell,
        mut inbox,
    } = set(CAPACITY);
    ring.producer(&bell).send(1, b"taken", Urgency::Lazy);
    assert!(take(&mut inbox, &ring).is_ok_and(|record| record.is_some()));
    let head = ring.head().load(Relaxed);
    ring.producer(&bell).send(1, b"never taken", Urgency::Lazy);
    let stale = ring.head().load(Relaxed);

    ring.renew(&mut inbox);
    assert_eq!(take(&mut inbox, &ring), Ok(None));
    overwrite(&ring, HEAD, head);
    assert!(
        take(&mut inbox, &ring).is_err(),
        "what was right in the epoch before is not now"
    );

    ring.renew(&mut inbox);
    overwrite(&ring, HEAD, stale);
    assert!(take(&mut inbox, &ring).is_err());

    ring.renew(&mut inbox);
    ring.producer(&bell).send(2, b"fresh", Urgency::Lazy);
    assert_eq!(take(&mut inbox, &ring), Ok(Some((2, b"fresh".to_vec()))));
}

/// Overwrites one place: sometimes a counter, sometimes anything; with noise, one bit, or a likely number.
fn scribble(ring: &Ring, seeded: &mut Seeded) {
    let words = ring.region().words();
    let word = match seeded.below(4) {
        0 => &words[[HEAD, TAIL, WANTED][seeded.below(3)]],
        1 => {
            ring.region().halves()[[ASLEEP, ROOM][seeded.below(2)]].store(1, Relaxed);
            &words[DATA]
        }
        _ => &words[DATA + seeded.below(CAPACITY / 8)],
    };
    let old = word.load(Relaxed);
    let new = match seeded.below(4) {
        0 => seeded.next(),
        1 => old ^ 1 << seeded.below(64),
        2 => old.wrapping_add(8 * (seeded.next() % 512)),
        _ => seeded.next() % 8192,
    };
    word.store(new, Relaxed);
}

#[test]
fn whatever_is_scribbled_the_reader_gets_the_truth_or_corrupt() {
    let Set {
        mut ring,
        bell,
        mut inbox,
    } = set(CAPACITY);
    let mut seeded = Seeded(0x5EED);
    let (mut found, mut unharmed) = (0, 0);
    for _ in 0..20_000 {
        ring.renew(&mut inbox);
        let mut producer = ring.producer(&bell);
        // Begins at some place of the ring, not always at its start.
        for _ in 0..seeded.below(5) {
            producer.send(0, &bytes(0, seeded.below(1500)), Urgency::Lazy);
            assert!(take(&mut inbox, &ring).expect("an honest ring").is_some());
            assert_eq!(take(&mut inbox, &ring), Ok(None));
        }
        let mut sent = Vec::new();
        for record in 0..seeded.below(4) {
            let payload = bytes(record, seeded.below(1040));
            producer.send(1, &payload, Urgency::Lazy);
            sent.push((1, payload));
        }
        for _ in 0..=seeded.below(3) {
            scribble(&ring, &mut seeded);
        }
        let mut expected = sent.into_iter();
        // One look more than there are records: each of them ends by itself.
        for _ in 0..5 {
            match take(&mut inbox, &ring) {
                Ok(Some(record)) => assert_eq!(Some(record), expected.next()),
                Ok(None) => {}
                Err(_) => {
                    found += 1;
                    break;
                }
            }
        }
        unharmed += usize::from(expected.next().is_none());
    }
    // Both outcomes were really tried.
    assert!(found > 1000 && unharmed > 1000, "{found} {unharmed}");
}

#[test]
fn scribbling_while_the_reader_reads_is_found_or_harmless() {
    let Set {
        mut ring,
        bell,
        mut inbox,
    } = set(CAPACITY);
    let mut seeded = Seeded(77);
    let mut found = 0;
    for _ in 0..300 {
        ring.renew(&mut inbox);
        let (seed, ring) = (seeded.next() | 1, &ring);
        let mut producer = ring.producer(&bell);
        for record in 0..3 {
            producer.send(1, &bytes(record, 900), Urgency::Lazy);
        }
        let begun = &AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(move || {
                let mut seeded = Seeded(seed);
                begun.store(true, SeqCst);
                (0..20).for_each(|_| scribble(ring, &mut seeded));
            });
            while !begun.load(SeqCst) {
                thread::yield_now();
            }
            let mut record = 0;
            for _ in 0..50 {
                match take(&mut inbox, ring) {
                    Ok(Some(got)) => {
                        assert_eq!(got, (1, bytes(record, 900)));
                        record += 1;
                    }
                    Ok(None) => thread::yield_now(),
                    Err(_) => {
                        found += 1;
                        break;
                    }
                }
            }
        });
    }
    assert!(found > 0);
}
