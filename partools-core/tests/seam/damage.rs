//! Answers and requests that were damaged on their way: an error, and a chunk as good as before.

use super::bench::{serve, with};
use partools_core::wire::{Incoming, Record, Request, accept, deliver, request};
use partools_core::{Chunk, Chunks, Error, Job, Portable, PortableTask, Run, decode, over};
use std::cell::Cell;

/// Looks at run, request, answer and chunk.
type Look<'f, O> = dyn Fn(&Run<O>, &[u8], &[u8], &mut Chunk<'_, O>) + 'f;

/// Hands request and answer of the first chunk to `look`; the map has to be whole afterwards.
fn exchange<T: PortableTask<Output: Portable>>(
    job: &Job<T>,
    look: &Look<'_, T::Output>,
) -> Vec<T::Output> {
    let results = with(job, &|task, run, parcel| {
        let mut first = true;
        while let Some(mut chunk) = run.try_claim() {
            let mut message = Request::new();
            if !request(task, &mut chunk, &mut message)? {
                continue;
            }
            let mut answer = Vec::new();
            serve(parcel, |server| {
                server.answer(message.as_bytes(), &mut answer)
            })??;
            match std::mem::take(&mut first) {
                true => look(run, message.as_bytes(), &answer, &mut chunk),
                false => deliver(&answer, &mut chunk)?,
            }
        }
        Ok(())
    });
    let outputs: Result<Vec<_>, _> = results.expect("it ran").into_iter().collect();
    outputs.expect("all items are there")
}

#[test]
fn an_answer_cut_anywhere_leaves_the_chunk_for_the_rest() {
    let items: Vec<String> = (0..6).map(|n| "x".repeat(n)).collect();
    let job = over(&items).chunk(Chunks::of(4)).map(|text| text.clone());
    let len = Cell::new(usize::MAX);
    for cut in 0.. {
        let outputs = exchange(&job, &|_, _, answer, chunk| {
            len.set(answer.len());
            if cut < answer.len() {
                let error = deliver(&answer[..cut], chunk).expect_err("it is cut off");
                assert!(
                    !error.is_broken() && error.to_string().contains("cut off"),
                    "{error}"
                );
            }
        });
        assert_eq!(outputs, items, "cut at {cut}");
        if cut == len.get() {
            break;
        }
    }
}

#[test]
fn what_is_no_answer_to_this_request_is_refused() {
    let job = over(0..6).chunk(Chunks::of(4)).map(|i| i as u64);
    let outputs = exchange(&job, &|run, _, answer, chunk| {
        let refuse = |answer: &[u8], chunk: &mut Chunk<'_, u64>, words: &str| {
            let error = deliver(answer, chunk).expect_err(words).to_string();
            assert!(error.contains(words), "{error}");
        };
        // A record is nine bytes and its payload; the first has 22.
        let begin = 9 + 22;
        refuse(&answer[begin..], chunk, "does not begin");
        refuse(
            &[&answer[..begin], answer].concat(),
            chunk,
            "does not begin",
        );
        refuse(&[0_u8; 9], chunk, "no known kind");
        let mut of_another = answer.to_vec();
        of_another[9 + 6] += 1;
        refuse(&of_another, chunk, "about items 1..4 where 0..4");
        let mut of_another_version = answer.to_vec();
        of_another_version[9] += 1;
        refuse(&of_another_version, chunk, "another version");
        let mut endless = answer[..begin].to_vec();
        endless.push(Record::Output as u8);
        endless.extend(u64::MAX.to_le_bytes());
        refuse(&endless, chunk, "cut off");
        assert_eq!(chunk.position(), 0);
        // Ends early, though items are needed: asking again and again would never end.
        let end = [&[Record::End as u8][..], &[0; 8]].concat();
        refuse(
            &[&answer[..begin], &end].concat(),
            chunk,
            "ends before item 0",
        );
        assert_eq!(run.bound(), 6);
        refuse(&[answer, &[0]].concat(), chunk, "behind its end");
        assert!(chunk.is_full());
        refuse(
            &answer[begin..],
            &mut run.try_claim().expect("4..6"),
            "does not begin",
        );
    });
    assert_eq!(outputs, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn a_record_too_many_or_for_another_item_changes_nothing() {
    let job = over(0..3).chunk(Chunks::of(2)).map(|i| i as u64);
    let outputs = exchange(&job, &|_, _, answer, chunk| {
        let failed = partools_core::ItemError::new(1, 0, partools_core::Cause::NoOutput);
        let mut scratch = Vec::new();
        let failed = partools_core::encode(&failed, &mut scratch).expect("it encodes");
        assert!(
            accept(Record::Failed, failed, chunk).is_err(),
            "item 0 comes next"
        );
        assert!(accept(Record::Failed, b"no failure", chunk).is_err());
        assert_eq!(chunk.position(), 0);
        deliver(answer, chunk).expect("an honest answer");
        let more = accept(Record::Output, &7_u64.to_ne_bytes(), chunk).expect_err("it is full");
        assert!(more.to_string().contains("more outputs"));
        assert!(accept(Record::Failed, failed, chunk).is_err());
    });
    assert_eq!(outputs, [0, 1, 2]);
}

/// Gives one piece after the other, with an end behind each, as a file that grows.
struct Pieces(std::collections::VecDeque<Vec<u8>>);

impl std::io::Read for Pieces {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let Some(piece) = self.0.front_mut() else {
            return Ok(0);
        };
        let len = piece.len().min(to.len());
        to[..len].copy_from_slice(&piece[..len]);
        drop(piece.drain(..len));
        if len == 0 {
            self.0.pop_front();
        }
        Ok(len)
    }
}

#[test]
fn what_follows_a_damaged_record_is_given_to_no_item() {
    let job = over(0..4).chunk(Chunks::of(4)).map(|i| i as u64 * 10);
    let result = with(&job, &|task, run, parcel| {
        let message = super::bench::first_request(task, run);
        let mut answer = Vec::new();
        serve(parcel, |server| server.answer(&message, &mut answer))??;
        // A record is nine bytes and its payload: 22 of the first, 8 of an output. That of item 1 is of no known kind.
        let (damaged, behind) = (31 + 17, 31 + 2 * 17);
        answer[damaged] = 99;
        let chunk = run.try_claim().expect("all four");
        let from = Pieces([answer[..behind].to_vec(), answer[behind..].to_vec()].into());
        let mut incoming = Incoming::new(chunk, from);
        assert!(incoming.read().is_err());
        assert!(
            incoming.read().is_err(),
            "the output of item 2 is not item 1's"
        );
        assert_eq!(incoming.chunk().position(), 1);
        Err(Error::executor("seen"))
    });
    assert_eq!(result.unwrap_err().to_string(), "seen");
}

#[test]
fn a_request_that_was_changed_is_refused_or_answered_by_as_many_records() {
    let items: Vec<(u8, String)> = (0..4).map(|n| (n, "x".repeat(n.into()))).collect();
    change(&over(&items).map(|pair| pair.clone()));
    let plain: Vec<u32> = (0..4).collect();
    change(&over(&plain).map(|n| *n));
}

fn change<T: PortableTask<Output: Portable + std::fmt::Debug>>(job: &Job<T>) {
    let result = with(job, &|task, run, parcel| {
        let message = super::bench::first_request(task, run);
        let answers = |message: &[u8]| {
            let mut answer = Vec::new();
            serve(parcel, |server| server.answer(message, &mut answer))
                .expect("an honest parcel")
                .map(|()| answer)
        };
        assert!(answers(&message).is_ok());
        for cut in 0..message.len() {
            assert!(answers(&message[..cut]).is_err(), "cut at {cut}");
        }
        assert!(answers(&[&message[..], &[0]].concat()).is_err());
        for at in 0..message.len() {
            for bit in 0..8 {
                let mut changed = message.clone();
                changed[at] ^= 1 << bit;
                let _ = answers(&changed);
            }
        }
        Err(Error::executor("seen"))
    });
    assert_eq!(result.unwrap_err().to_string(), "seen");
}

/// Of no bytes on the wire, and a kilobyte here.
#[derive(Debug, PartialEq, Clone, serde::Serialize, serde::Deserialize)]
struct Hollow {
    #[serde(skip, default = "room")]
    room: Vec<u8>,
}
fn room() -> Vec<u8> {
    vec![7; 1024]
}

#[test]
fn a_few_bytes_are_not_a_billion_elements() {
    // A length of 2^40, and nothing behind it.
    let many = [0x80, 0x80, 0x80, 0x80, 0x80, 0x20];
    assert!(decode::<Vec<()>>(&many).is_err());
    assert!(decode::<Vec<Hollow>>(&many).is_err());
    assert!(decode::<std::collections::BTreeMap<(), ()>>(&many).is_err());
    assert!(decode::<std::collections::VecDeque<[u8; 0]>>(&many).is_err());
}

#[test]
fn values_of_no_size_and_of_no_bytes_cross_by_the_thousand() {
    let nothing = vec![(); 10_000];
    let job = over(&nothing).map(|()| vec![(); 3]);
    assert_eq!(
        job.run(&partools_core::Loopback).unwrap(),
        vec![vec![(); 3]; 10_000]
    );
    let hollow = vec![Hollow { room: room() }; 1000];
    let job = over(partools_core::chunks(&hollow, 7)).map(|some| some.to_vec());
    assert_eq!(job.run(&partools_core::Loopback).unwrap().concat(), hollow);
    let job = over(partools_core::chunks(&nothing, 600)).map(|some| some.len());
    assert_eq!(
        job.run(&partools_core::Loopback)
            .unwrap()
            .iter()
            .sum::<usize>(),
        10_000
    );
}
