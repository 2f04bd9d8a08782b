//! Records from a child to its parent.

use partools_os::wait_any;
use partools_os::{Access, Bell, Child, Corrupt, Exit, Inbox, Received, Region, Ring, Urgency};

use crate::{PATIENCE, gated, reap, sleep_for_ever, spawn_lending, trials};

trials![
    a_hundred_megabytes_arrive_as_they_were_sent,
    what_a_killed_child_had_sent_is_kept,
    what_a_child_appended_until_it_was_killed_at_any_moment_is_kept,
    a_child_that_scribbles_over_its_ring_is_found_out,
    a_ring_serves_the_next_child_when_renewed,
];

/// Calls `each` with every record until the child has ended and the ring is empty.
fn drain(
    ring: &Ring,
    inbox: &mut Inbox,
    bell: &Bell,
    child: &mut Child,
    mut each: impl FnMut(u8, &[u8]),
) -> Result<Exit, Corrupt> {
    loop {
        // Asked before the last look at the ring: what it sent, it sent before it ended.
        let ended = child.try_reap();
        while let Received::Record { kind, payload } = inbox.receive(ring)? {
            each(kind, payload);
        }
        if let Some(exit) = ended {
            return Ok(exit);
        }
        if !inbox.arm(ring) {
            wait_any(bell, std::iter::once(&*child), Some(PATIENCE)).expect("a wait");
            inbox.disarm(ring);
        }
    }
}

/// Kinds are below 64.
fn kind_of(record: usize) -> u8 {
    (record % 64).to_le_bytes()[0]
}

/// Noise, of a length that no power of two divides.
fn noise() -> Vec<u8> {
    let mixed = |place: u64| place.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes()[0];
    (0..1_000_003).map(mixed).collect()
}

/// The pieces of noise, end to end, that a record is made of. No two records begin at the same place.
fn pieces(noise: &[u8], record: usize, length: usize) -> impl Iterator<Item = &[u8]> {
    let first = &noise[record * 7919..];
    let all = std::iter::once(first).chain(std::iter::repeat(noise));
    all.scan(length, |left, piece| {
        let piece = &piece[..piece.len().min(*left)];
        *left -= piece.len();
        (!piece.is_empty()).then_some(piece)
    })
}

fn is_made_of<'a>(mut got: &[u8], pieces: impl Iterator<Item = &'a [u8]>) -> bool {
    for piece in pieces {
        match got.strip_prefix(piece) {
            Some(rest) => got = rest,
            None => return false,
        }
    }
    got.is_empty()
}

fn a_hundred_megabytes_arrive_as_they_were_sent() {
    // Lengths from nothing to 20 times the ring.
    let many = (0..60).map(|record| record * record * record * 23 + record % 9);
    let lengths: Vec<usize> = many.chain([0, 1, 7, 8, 9, 20 << 20, 10 << 20]).collect();
    assert!(lengths.iter().sum::<usize>() > 100_000_000);
    let noise = noise();

    let (gate, bell) = (gated(), Bell::new().expect("a bell"));
    let ring = Ring::new(1 << 20).expect("a ring");
    let mut child = spawn_lending(&gate, &[(ring.region(), Access::ReadWrite)], || {
        let mut producer = ring.producer(&bell);
        for (record, &length) in lengths.iter().enumerate() {
            let payload: Vec<u8> = pieces(&noise, record, length).collect::<Vec<_>>().concat();
            producer.send(kind_of(record), &payload, Urgency::Lazy);
        }
        0
    });
    let mut record = 0;
    let ended = drain(&ring, &mut Inbox::new(), &bell, &mut child, |kind, got| {
        assert_eq!(kind, kind_of(record));
        assert_eq!(got.len(), lengths[record]);
        assert!(
            is_made_of(got, pieces(&noise, record, lengths[record])),
            "record {record}"
        );
        record += 1;
    });
    assert_eq!(ended, Ok(Exit::Code(0)));
    assert_eq!(record, lengths.len());
}

fn what_a_killed_child_had_sent_is_kept() {
    let (gate, bell) = (gated(), Bell::new().expect("a bell"));
    let ring = Ring::new(1 << 16).expect("a ring");
    let mut child = spawn_lending(&gate, &[(ring.region(), Access::ReadWrite)], || {
        let mut producer = ring.producer(&bell);
        for record in 0..60_u8 {
            producer.send(record, &[record; 50], Urgency::Lazy);
        }
        std::process::abort()
    });
    let mut kinds = Vec::new();
    let ended = drain(&ring, &mut Inbox::new(), &bell, &mut child, |kind, _| {
        kinds.push(kind)
    });
    assert_eq!(
        ended,
        Ok(Exit::Signal {
            number: libc::SIGABRT,
            core: false
        })
    );
    assert!(kinds.into_iter().eq(0..60));
}

/// It says in memory of its own, too, how far it is: before and behind each element. In every other round the elements go into places
/// that were lent.
fn what_a_child_appended_until_it_was_killed_at_any_moment_is_kept() {
    use std::sync::atomic::Ordering::SeqCst;
    for round in 0..50 {
        let (gate, bell) = (gated(), Bell::new().expect("a bell"));
        let ring = Ring::new(1 << 16).expect("a ring");
        let progress = Region::new(16).expect("two words");
        let lent = [
            (ring.region(), Access::ReadWrite),
            (&progress, Access::ReadWrite),
        ];
        let mut child = spawn_lending(&gate, &lent, || {
            let mut producer = ring.producer(&bell);
            let [begun, done, ..] = progress.words() else {
                unreachable!()
            };
            let mut element = 0_u64;
            let mut step = |put: &mut dyn FnMut(&[u8])| {
                begun.store(element + 1, SeqCst);
                put(&element.to_ne_bytes());
                element += 1;
                done.store(element, SeqCst);
            };
            loop {
                if round % 2 == 0 {
                    step(&mut |bytes| {
                        if !producer.append(7, bytes) {
                            producer.open_run(7, bytes.len());
                            assert!(producer.append(7, bytes));
                        }
                    });
                    continue;
                }
                let room = producer.room(7, 1, 100_000);
                let mut stretch = producer.lend(7).expect("it has room");
                for _ in 0..room {
                    step(&mut |bytes| assert!(stretch.put(bytes)));
                }
            }
        });
        let (mut inbox, mut next) = (Inbox::new(), 0_u64);
        let mut take_all = || {
            while let Received::Part { payload, open, .. } = inbox.receive(&ring).expect("whole") {
                for word in payload.as_chunks().0 {
                    assert_eq!(u64::from_ne_bytes(*word), next);
                    next += 1;
                }
                if open {
                    break;
                }
            }
            next
        };
        let until = round * 997;
        while take_all() < until {}
        child.kill();
        reap(&mut child);
        let taken = take_all();
        let words = progress.words();
        let told = words[1].load(SeqCst)..=words[0].load(SeqCst);
        assert!(
            told.contains(&taken),
            "round {round}: {taken}, not {told:?}"
        );
    }
}

fn a_child_that_scribbles_over_its_ring_is_found_out() {
    let (gate, bell) = (gated(), Bell::new().expect("a bell"));
    let ring = Ring::new(1 << 16).expect("a ring");
    let mut child = spawn_lending(&gate, &[(ring.region(), Access::ReadWrite)], || {
        ring.producer(&bell)
            .send(1, b"sent in good faith", Urgency::Prompt);
        for word in ring.region().words() {
            word.store(0x5555_5555_5555_5555, std::sync::atomic::Ordering::Relaxed);
        }
        bell.ring();
        sleep_for_ever()
    });
    let found = drain(&ring, &mut Inbox::new(), &bell, &mut child, |_, got| {
        assert_eq!(got, b"sent in good faith");
    });
    assert!(found.is_err());
}

fn a_ring_serves_the_next_child_when_renewed() {
    let (gate, bell, mut inbox) = (gated(), Bell::new().expect("a bell"), Inbox::new());
    let mut ring = Ring::new(4096).expect("a ring");
    for child_number in 0..20_u8 {
        let mut sent = 0;
        let mut child = spawn_lending(&gate, &[(ring.region(), Access::ReadWrite)], || {
            let mut producer = ring.producer(&bell);
            loop {
                producer.send(child_number, &[child_number; 5000], Urgency::Lazy);
            }
        });
        while sent < 3 {
            match inbox.receive(&ring).expect("an honest ring") {
                Received::Record { kind, payload } => {
                    assert_eq!(
                        (kind, payload),
                        (child_number, [child_number; 5000].as_slice())
                    );
                    sent += 1;
                }
                part @ Received::Part { .. } => panic!("{part:?}: nobody opened a run"),
                Received::Nothing => std::thread::yield_now(),
            }
        }
        // Killed at some place of some record, most likely amid one.
        child.kill();
        assert_eq!(
            reap(&mut child),
            Exit::Signal {
                number: libc::SIGKILL,
                core: false
            }
        );
        ring.renew(&mut inbox);
    }
}
