//! Runs: elements that are appended one by one, read while they grow, at every place of the ring and beside records; and
//! writers that lie about them.

use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use super::super::{DATA, HEAD, Inbox, OPEN, Producer, Received, Ring, Urgency, run};
use super::{CAPACITY, Set, bytes, overwrite, rang, set};

/// Appends, into a new run where that is needed.
fn append(producer: &mut Producer<'_>, kind: u8, element: &[u8]) {
    if !producer.append(kind, element) {
        producer.open_run(kind, element.len());
        assert!(producer.append(kind, element));
    }
}

/// The next part: kind, bytes, and whether the run is open.
fn part(inbox: &mut Inbox, ring: &Ring) -> Option<(u8, Vec<u8>, bool)> {
    match inbox.receive(ring).expect("an honest ring") {
        Received::Part {
            kind,
            payload,
            open,
        } => Some((kind, payload.to_vec(), open)),
        Received::Nothing => None,
        record @ Received::Record { .. } => panic!("{record:?} is no part"),
    }
}

/// An element of `length` bytes, as it comes out.
fn filled_up(element: usize, length: usize) -> Vec<u8> {
    let mut bytes = bytes(element, length);
    bytes.resize(length.next_multiple_of(8), 0);
    bytes
}

#[test]
fn elements_come_out_as_they_went_in_at_every_place_of_the_ring() {
    let Set {
        ring,
        bell,
        mut inbox,
    } = set(CAPACITY);
    let mut producer = ring.producer(&bell);
    for element in 0..5000 {
        let length = [8, 1, 24, 0, 13, 8, 1000][element % 7];
        append(&mut producer, 3, &bytes(element, length));
        let expected = filled_up(element, length);
        match element % 5 {
            // Read one by one, while the run is open; nothing comes twice.
            0..3 if length > 0 => {
                let mut parts = Vec::new();
                while let Some((kind, payload, open)) = part(&mut inbox, &ring) {
                    assert_eq!(kind, 3);
                    parts.extend(payload);
                    if open {
                        break;
                    }
                }
                assert!(parts.ends_with(&expected), "element {element}");
                assert_eq!(part(&mut inbox, &ring), None);
            }
            // A record between two runs.
            3 => {
                producer.send(9, b"between", Urgency::Lazy);
                loop {
                    match inbox.receive(&ring).expect("an honest ring") {
                        Received::Part { open, .. } => assert!(!open),
                        Received::Record { kind, payload } => {
                            assert_eq!((kind, payload), (9, &b"between"[..]));
                            break;
                        }
                        Received::Nothing => panic!("the record is lost"),
                    }
                }
            }
            _ => {}
        }
    }
}

#[test]
fn elements_put_where_room_was_lent_come_out_at_every_place_of_the_ring() {
    for length in [8_usize, 3, 16, 20, 32] {
        let Set {
            ring,
            bell,
            mut inbox,
        } = set(CAPACITY);
        let mut producer = ring.producer(&bell);
        let (mut put, mut taken) = (0_usize, 0);
        let mut take_all = |until| {
            while taken < until {
                let (kind, payload, _) = part(&mut inbox, &ring).expect("they were put");
                assert_eq!(kind, 3);
                for element in payload.chunks_exact(length.next_multiple_of(8)) {
                    assert_eq!(
                        element,
                        filled_up(taken, length),
                        "{taken} of {length} bytes"
                    );
                    taken += 1;
                }
            }
        };
        for round in 0..3000 {
            let wanted = 1 + round % 9;
            let room = producer.room(3, length.div_ceil(8), wanted);
            assert!((1..=wanted).contains(&room));
            let mut stretch = producer.lend(3).expect("it has room");
            for _ in 0..room {
                assert!(stretch.put(&bytes(put, length)));
                put += 1;
                // While it is lent.
                if put % 7 == 0 {
                    take_all(put);
                }
            }
            drop(stretch);
            match round % 5 {
                0 => append(&mut producer, 3, &bytes(put, length)),
                1 => continue,
                _ => {
                    take_all(put);
                    continue;
                }
            }
            put += 1;
        }
        assert!(
            producer.lend(4).is_none(),
            "a kind of which there is no run"
        );
        take_all(put);
        assert_eq!(part(&mut inbox, &ring), None);
    }
}

#[test]
fn a_reader_beside_gets_each_element_once_and_in_order() {
    reads_beside(|producer, element, kind| {
        append(producer, kind, &element.to_ne_bytes());
        1
    });
}

#[test]
fn a_reader_beside_gets_each_element_once_where_room_was_lent() {
    reads_beside(|producer, element, kind| {
        let of_the_kind = usize::try_from(1000 - element % 1000).expect("small");
        let room = producer.room(kind, 1, of_the_kind) as u64;
        let mut stretch = producer.lend(kind).expect("it has room");
        for element in element..element + room {
            assert!(stretch.put(&element.to_ne_bytes()));
        }
        room
    });
}

/// `next` appends the element with this number, and some behind it maybe: how many. A thousand are of one kind.
fn reads_beside(next: impl Fn(&mut Producer<'_>, u64, u8) -> u64 + Sync) {
    const ELEMENTS: u64 = 200_000;
    let Set {
        ring,
        bell,
        mut inbox,
    } = set(CAPACITY);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut producer = ring.producer(&bell);
            let mut element = 0;
            while element < ELEMENTS {
                let kind = (element / 1000 % 2).to_le_bytes()[0];
                element += next(&mut producer, element, kind);
            }
        });
        let mut next = 0;
        while next < ELEMENTS {
            if let Some((kind, payload, _)) = part(&mut inbox, &ring) {
                for word in bytemuck::cast_slice::<u8, [u8; 8]>(&payload) {
                    assert_eq!(u64::from_ne_bytes(*word), next);
                    assert_eq!(u64::from(kind), next / 1000 % 2);
                    next += 1;
                }
            }
        }
        assert_eq!(part(&mut inbox, &ring), None);
    });
}

#[test]
fn what_a_dead_producer_had_appended_is_there() {
    let Set {
        mut ring,
        bell,
        mut inbox,
    } = set(CAPACITY);
    let mut producer = ring.producer(&bell);
    append(&mut producer, 1, b"the first");
    assert!(part(&mut inbox, &ring).is_some_and(|(.., open)| open));
    append(&mut producer, 1, b"and last");
    std::mem::forget(producer); // it dies without a word
    assert_eq!(
        part(&mut inbox, &ring),
        Some((1, b"and last".to_vec(), true))
    );
    assert_eq!(part(&mut inbox, &ring), None);
    // Nothing of it is left for the next one.
    ring.renew(&mut inbox);
    assert_eq!(part(&mut inbox, &ring), None);
    append(&mut ring.producer(&bell), 2, b"another!");
    assert_eq!(
        part(&mut inbox, &ring),
        Some((2, b"another!".to_vec(), false))
    );
}

#[test]
fn a_reader_that_sleeps_is_woken_when_it_is_asked_for() {
    let Set {
        ring,
        bell,
        mut inbox,
    } = set(CAPACITY);
    let mut producer = ring.producer(&bell);
    assert!(!inbox.arm(&ring));
    append(&mut producer, 1, b"8 bytes.");
    assert!(!rang(&bell), "an element lets it sleep");
    producer.wake();
    assert!(rang(&bell));
    assert!(inbox.arm(&ring), "something is there");
    assert!(part(&mut inbox, &ring).is_some());
    assert!(!inbox.arm(&ring), "it was read");
    // And by itself where half of the ring is used.
    let sent = (0..CAPACITY / 8).find(|_| {
        append(&mut producer, 1, b"8 bytes.");
        rang(&bell)
    });
    assert!(sent.is_some_and(|sent| sent * 8 > CAPACITY / 4), "{sent:?}");
}

/// Is it found, and does it stay found?
fn corrupts(closed: bool, read_first: bool, change: impl Fn(&Ring)) -> bool {
    let Set {
        ring,
        bell,
        mut inbox,
    } = set(CAPACITY);
    let mut producer = ring.producer(&bell);
    append(&mut producer, 1, &bytes(0, 80));
    if read_first {
        assert!(part(&mut inbox, &ring).is_some());
    }
    append(&mut producer, 1, &bytes(1, 24));
    match closed {
        true => drop(producer),
        false => std::mem::forget(producer),
    }
    change(&ring);
    let first = inbox.receive(&ring).map(drop);
    first.is_err() && inbox.receive(&ring).map(drop) == first && !inbox.arm(&ring)
}

#[test]
fn every_lie_about_a_run_is_found_and_stays_found() {
    let flip = |place: usize, bits: u64| {
        move |ring: &Ring| {
            ring.region().words()[place].fetch_xor(bits, Relaxed);
        }
    };
    for (closed, read_first) in [(false, false), (false, true), (true, false), (true, true)] {
        let found = |change: &dyn Fn(&Ring)| corrupts(closed, read_first, change);
        assert!(found(&flip(DATA + 12, 1)), "another element");
        assert!(found(&flip(DATA, 1 << 40)), "another check");
        assert!(found(&flip(DATA, 2 << 24)), "another kind");
        assert!(found(&flip(DATA, 104 ^ 96)), "another length");
        assert!(found(&flip(DATA, 104 ^ 72)), "shorter than what was read");
        assert!(found(&flip(DATA, 1 << 31)), "more to follow");
        assert!(found(&flip(DATA, 64 << 24)), "no run");
        assert!(found(&flip(DATA, 0xFF_FF00)), "a length beyond the limit");
        assert!(found(&|ring| overwrite(ring, DATA, 0)), "no header");
        assert!(!found(&|_| ()), "and the truth is believed");
    }
    assert!(
        corrupts(true, true, |ring| overwrite(ring, HEAD, 104)),
        "a head within"
    );
    // Where it is not told of, it is not there: as if its producer had died before.
    assert!(!corrupts(false, false, |ring| overwrite(ring, OPEN, 0)));
    assert!(!corrupts(false, false, |ring| overwrite(ring, OPEN, 9)));
}

#[test]
fn the_right_check_does_not_make_a_wrong_run_right() {
    let forged = |words: u64, head: u64| {
        let Set {
            ring, mut inbox, ..
        } = set(CAPACITY);
        let mut run = run::begin(1, ring.epoch, 0);
        (0..words).for_each(|_| run.add(0));
        overwrite(&ring, DATA, run.header());
        overwrite(&ring, HEAD, head);
        overwrite(&ring, OPEN, 1);
        let received = inbox
            .receive(&ring)
            .map(|received| received != Received::Nothing);
        received.ok()
    };
    assert_eq!(forged(128, 0), Some(true));
    assert_eq!(forged(128, 1032), Some(true));
    assert_eq!(forged(128, 1024), None, "it ends behind the head");
    assert_eq!(forged(129, 0), None, "beyond the limit");
    assert_eq!(forged(129, 1040), None, "beyond the limit");
    assert_eq!(forged(0, 0), Some(false), "an empty one is nothing yet");
    assert_eq!(forged(0, 8), Some(false), "nor is it, closed");
}
