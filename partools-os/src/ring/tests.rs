//! The ring in one process: every place where a record can wrap, full and empty rings with a reader beside, and
//! writers that go mad. (Rings between processes: `tests/forking/rings.rs`.)

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use super::{
    ASLEEP, Bell, Corrupt, DATA, HEAD, Inbox, ROOM, Received, Ring, TAIL, Urgency, WANTED, frame,
};

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

/// Puts a word where a crashing child may put it.
fn overwrite(ring: &Ring, word: usize, value: u64) {
    ring.region().words()[word].store(value, Relaxed);
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
