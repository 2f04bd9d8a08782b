//! Claims misused: made twice, made of nonsense, half filled, forgotten, split, lost, pushed too full.

use crate::{contract, doing};
use partools_core::{Cause, Chunk, Chunks, Error, ItemError, Job, Plan, Task, over};

/// An output on the heap, so that AddressSanitizer sees a second drop, and a leak.
type Square = Box<usize>;

fn squares() -> Job<impl Task<Output = Square> + Sync> {
    over(0..10).chunk(Chunks::of(4)).map(|i| Box::new(i * i))
}

fn expected() -> Vec<Square> {
    (0..10).map(|i| Box::new(i * i)).collect()
}

/// Fills what is left of a chunk with the right outputs.
fn fill(chunk: &mut Chunk<'_, Square>) {
    while !chunk.is_full() {
        let i = chunk.position();
        chunk.push(Box::new(i * i)).expect("room");
    }
}

#[test]
fn a_range_is_admitted_once() {
    let job = squares();
    let remote = doing(&job, |task, run, caller| {
        let mut first = run.admit(2..6).expect("the first to ask");
        for again in [2..6, 2..3, 5..6, 0..3, 5..9, 0..10, 3..5] {
            assert!(
                run.admit(again.clone()).is_none(),
                "{again:?} while it is under way"
            );
        }
        fill(&mut first);
        first.commit();
        for again in [2..6, 2..3, 5..6, 0..3, 5..9, 0..10, 3..5] {
            assert!(
                run.admit(again.clone()).is_none(),
                "{again:?} when it is done"
            );
        }
        assert!(run.try_claim().is_none(), "claims are made elsewhere");
        assert!(run.reclaim());
        caller.work(task);
        Ok(())
    });
    assert_eq!(job.run(&remote).expect("it worked"), expected());
}

#[test]
#[allow(clippy::reversed_empty_ranges, reason = "nonsense on purpose")]
fn ranges_of_nonsense_are_not_admitted() {
    let job = squares();
    let remote = doing(&job, |task, run, caller| {
        let nonsense = [
            0..0,
            3..3,
            10..10,
            6..2,
            0..11,
            9..11,
            10..11,
            11..12,
            0..usize::MAX,
            usize::MAX - 1..usize::MAX,
            usize::MAX..0,
            usize::MAX..usize::MAX,
        ];
        for range in nonsense {
            assert!(run.admit(range.clone()).is_none(), "{range:?}");
        }
        assert!(run.reclaim(), "nonsense takes nothing away");
        caller.work(task);
        Ok(())
    });
    assert_eq!(job.run(&remote).expect("it worked"), expected());
}

#[test]
fn a_range_beyond_the_window_is_not_admitted() {
    let job = over(0..100).window(10).chunk(Chunks::of(1)).map(|i| i);
    let remote = doing(&job, |_, run, caller| {
        let window = run.claim_limit();
        assert_eq!(window, 10);
        assert!(run.admit(window - 1..window + 1).is_none());
        assert!(run.admit(window..window + 1).is_none());
        while caller.deliver() {
            let start = run.handed_out();
            let mut chunk = run.admit(start..run.claim_limit()).expect("in the window");
            chunk.range().for_each(|i| chunk.push(i).expect("room"));
        }
        Ok(())
    });
    let mut sum = 0;
    job.for_each(&remote, |_, i| sum += i).expect("it worked");
    assert_eq!(sum, 99 * 50);
}

#[test]
fn claims_here_end_where_claims_elsewhere_begin() {
    let job = squares();
    let mixed = doing(&job, |_, run, caller| {
        let mut here = run.claim().expect("the first four");
        assert_eq!(here.range(), 0..4);
        assert!(run.admit(3..5).is_none(), "3 was claimed here");
        let mut there = run.admit(6..10).expect("nobody's");
        assert!(run.claim().is_none() && run.try_claim().is_none());
        assert_eq!(run.handed_out(), 4);
        fill(&mut here);
        fill(&mut there);
        drop((here, there));
        assert!(run.reclaim());
        let mut gap = run.claim().expect("the gap");
        assert_eq!(gap.range(), 4..6);
        fill(&mut gap);
        drop(gap);
        assert!(!run.reclaim(), "nothing is left");
        while caller.deliver() {}
        Ok(())
    });
    assert_eq!(job.run(&mixed).expect("it worked"), expected());
}

#[test]
fn reclaim_leaves_alone_what_is_under_way() {
    let job = squares();
    let remote = doing(&job, |_, run, _| {
        let mut held = run.admit(0..10).expect("all");
        assert!(!run.reclaim() && run.try_claim().is_none());
        fill(&mut held);
        held.commit();
        assert!(!run.reclaim() && run.try_claim().is_none());
        Ok(())
    });
    assert_eq!(job.run(&remote).expect("it worked"), expected());
}

#[test]
fn what_is_left_of_a_chunk_goes_back_however_it_ends() {
    let ends: [fn(Chunk<'_, Square>); 2] = [|chunk| chunk.commit(), |chunk| drop(chunk)];
    for end in ends {
        for filled in 0..=4 {
            let job = squares();
            let half = doing(&job, |task, run, caller| {
                let mut chunk = run.claim().expect("0..4");
                for i in 0..filled {
                    chunk.push(Box::new(i * i)).expect("room");
                }
                end(chunk);
                caller.work(task);
                Ok(())
            });
            assert_eq!(job.run(&half).expect("it worked"), expected());
        }
    }
}

#[test]
fn a_forgotten_chunk_is_an_error_that_names_its_items() {
    for filled in 0..=4 {
        // (What was filled is leaked with the chunk, so nothing that would have to be freed.)
        let job = over(0..10).chunk(Chunks::of(4)).map(|i| i);
        let forgetful = doing(&job, |_, run, _| {
            let mut chunk = run.claim().expect("0..4");
            for i in 0..filled {
                chunk.push(i).expect("room");
            }
            std::mem::forget(chunk);
            while let Some(mut chunk) = run.claim() {
                chunk.range().for_each(|i| chunk.push(i).expect("room"));
            }
            Ok(())
        });
        let text = contract(&job.run(&forgetful).expect_err("items 0..4 are lost"));
        assert!(text.contains("items 0..10"), "{text}");
    }
}

#[test]
fn a_full_chunk_gives_the_output_back() {
    let job = squares();
    let pushy = doing(&job, |task, run, caller| {
        let mut chunk = run.claim().expect("0..4");
        fill(&mut chunk);
        for _ in 0..3 {
            assert_eq!(chunk.push(Box::new(77)), Err(Box::new(77)));
            chunk.fail(ItemError::new(0, 0, Cause::NoOutput));
        }
        chunk.commit();
        caller.work(task);
        Ok(())
    });
    assert_eq!(job.run(&pushy).expect("it worked"), expected());
}

#[test]
fn a_failure_belongs_to_the_item_whose_turn_it_is_whatever_it_says() {
    let job = squares();
    let liar = doing(&job, |task, run, caller| {
        let mut chunk = run.claim().expect("0..4");
        chunk.push(Box::new(0)).expect("room");
        chunk.fail(ItemError::new(usize::MAX, 0, Cause::NoOutput));
        chunk.commit();
        caller.work(task);
        Ok(())
    });
    let error = job.run(&liar).expect_err("item 1 failed");
    assert_eq!(error.item().map(ItemError::index), Some(1), "{error}");
    let results = job.try_run(&liar).expect("the others were done");
    let failed: Vec<usize> = (0..10).filter(|&i| results[i].is_err()).collect();
    assert_eq!(failed, [1]);
}

#[test]
fn a_lost_chunk_blames_the_item_in_flight_alone() {
    for filled in 0..=4 {
        let job = squares();
        let dying = doing(&job, |task, run, caller| {
            let mut chunk = run.claim().expect("0..4");
            for i in 0..filled {
                chunk.push(Box::new(i * i)).expect("room");
            }
            chunk.lost(Cause::Exited { code: 3 });
            caller.work(task);
            Ok(())
        });
        let results = job.try_run(&dying).expect("the others were done");
        for (i, result) in results.iter().enumerate() {
            match result {
                Ok(output) => assert_eq!(**output, i * i),
                Err(error) => assert_eq!((error.index(), i), (filled, filled)),
            }
        }
        let failures = results.iter().filter(|r| r.is_err()).count();
        assert_eq!(
            failures,
            usize::from(filled < 4),
            "a full chunk lost nothing"
        );
    }
}

#[test]
fn an_item_that_kills_its_worker_is_tried_as_often_as_the_plan_says() {
    for detour in [false, true] {
        let job = squares().plan(Plan::new().retries(2));
        let dying = doing(&job, |_, run, caller| {
            let mut deaths = 0;
            while let Some(mut chunk) = run.try_claim() {
                if detour && let Some(rest) = chunk.split(0) {
                    // An executor that cuts a claim in front of its first item loses no count.
                    chunk = rest;
                }
                while !chunk.is_full() && chunk.position() != 3 {
                    let i = chunk.position();
                    chunk.push(Box::new(i * i)).expect("room");
                }
                if !chunk.is_full() {
                    deaths += 1;
                    assert!(deaths <= 3, "item 3 is tried for ever");
                    chunk.lost(Cause::Exited { code: 3 });
                }
            }
            assert_eq!(deaths, 3);
            while caller.deliver() {}
            Ok(())
        });
        let results = job.try_run(&dying).expect("the others were done");
        let error = results[3].as_ref().expect_err("it killed its worker");
        assert_eq!(error.attempt(), 2);
        assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 9);
    }
}

#[test]
fn a_chunk_split_anywhere_is_two_chunks() {
    for filled in 0..=4 {
        for cut in [0, 1, 2, 3, 4, 5, usize::MAX] {
            for first_ends_first in [false, true] {
                let job = squares();
                let cutter = doing(&job, |task, run, caller| {
                    let mut chunk = run.claim().expect("0..4");
                    for i in 0..filled {
                        chunk.push(Box::new(i * i)).expect("room");
                    }
                    let rest = chunk.split(cut);
                    let place = filled + cut.min(4 - filled);
                    assert_eq!(chunk.range(), 0..place);
                    assert_eq!(
                        rest.as_ref().map(Chunk::range),
                        (place < 4).then_some(place..4)
                    );
                    fill(&mut chunk);
                    assert!(chunk.push(Box::new(77)).is_err());
                    match first_ends_first {
                        true => drop((chunk, rest)),
                        false => drop((rest, chunk)),
                    }
                    caller.work(task);
                    Ok(())
                });
                assert_eq!(job.run(&cutter).expect("it worked"), expected());
            }
        }
    }
}

#[test]
fn items_admitted_in_reverse_come_out_in_order() {
    let job = over(0..1000).map(|i| i);
    let backwards = doing(&job, |_, run, caller| -> Result<(), Error> {
        for i in (0..1000).rev() {
            run.admit(i..i + 1)
                .expect("in reverse")
                .push(i)
                .expect("room");
        }
        while caller.deliver() {}
        Ok(())
    });
    assert_eq!(
        job.run(&backwards).expect("it worked"),
        (0..1000).collect::<Vec<_>>()
    );
}
