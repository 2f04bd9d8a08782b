//! Outputs that are hard to keep: each is dropped exactly once on every path, also where that panics; sizes
//! and alignments at the edges.

use crate::{Scoped, doing};
use partools_core::{Chunks, Failed, Job, Serial, Span, StartError, Task, Writer, over};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts the drops of each output ever made.
#[derive(Default)]
struct Tally(Mutex<Vec<u32>>);

/// An output that tells its tally when it is dropped.
struct Counted<'t> {
    tally: &'t Tally,
    serial: usize,
    /// On the heap, so that AddressSanitizer sees a second drop, and a leak.
    value: Box<usize>,
    panics: bool,
}

impl Tally {
    fn output(&self, value: usize) -> Counted<'_> {
        let mut drops = self.0.lock().expect("no poison");
        drops.push(0);
        Counted {
            tally: self,
            serial: drops.len() - 1,
            value: Box::new(value),
            panics: false,
        }
    }

    /// So many were made, and each was dropped once.
    fn settle(&self) -> usize {
        let drops = self.0.lock().expect("no poison");
        assert!(drops.iter().all(|&d| d == 1), "drops of each: {drops:?}");
        drops.len()
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.tally.0.lock().expect("no poison")[self.serial] += 1;
        // (Not while unwinding: that would abort, in a plain loop as well.)
        if self.panics && !std::thread::panicking() {
            panic!("the drop of {}", self.value);
        }
    }
}

/// Every ending, on `on`, of items of which some fail as `fails` says: nothing is dropped twice or never.
fn every_ending(on: &Scoped, fails: fn(usize) -> bool) {
    for chunks in [Chunks::Auto, Chunks::of(7), Chunks::guided()] {
        let tally = Tally::default();
        let panicking = over(0..100).chunk(chunks).map(|i| {
            let output = tally.output(i);
            assert!(!fails(i), "item {i}");
            output
        });
        let returning = over(0..100).chunk(chunks).map(|i| match fails(i) {
            true => Err(tally.output(i)),
            false => Ok(tally.output(i)),
        });
        let in_order = |outputs: Vec<Counted<'_>>| {
            assert!(outputs.iter().map(|o| *o.value).eq(0..100));
        };
        let _ = panicking.run(on).map(in_order);
        let _ = panicking
            .try_run(on)
            .map(|outputs| assert_eq!(outputs.len(), 100));
        let _ = panicking.for_each(on, |i, o| assert_eq!(i, *o.value));
        let _ = returning
            .run(on)
            .map(|outputs| assert_eq!(outputs.len(), 100));
        match returning.run_ok(on) {
            Ok(outputs) => in_order(outputs),
            Err(Failed::Item { index, error }) => assert_eq!(index, *error.value),
            Err(Failed::Map(error)) => panic!("{error}"),
        }
        let callback = std::panic::AssertUnwindSafe(|| {
            panicking.for_each(on, |i, _output| assert_ne!(i, 30, "callback"))
        });
        let _ = std::panic::catch_unwind(callback);
        assert!(tally.settle() > 0);
    }
}

#[test]
fn every_output_is_dropped_once_where_all_goes_well() {
    every_ending(&Scoped(1), |_| false);
    every_ending(&Scoped(3), |_| false);
}

#[test]
fn every_output_is_dropped_once_where_items_fail() {
    every_ending(&Scoped(1), |i| i % 20 == 13);
    every_ending(&Scoped(3), |i| i % 20 == 13);
    every_ending(&Scoped(3), |i| i == 99);
    every_ending(&Scoped(3), |_| true);
}

#[test]
fn every_output_is_dropped_once_where_the_executor_gives_up() {
    let tally = Tally::default();
    let job = over(0..100).chunk(Chunks::of(9)).map(|i| tally.output(i));
    let weary = doing(&job, |_, run, _| {
        for round in 0..5 {
            let mut chunk = run.claim().expect("a claim");
            for i in chunk.range().skip(round) {
                chunk.push(tally.output(i)).map_err(drop).expect("room");
            }
            let _ = chunk.split(round / 2);
        }
        Ok(())
    });
    assert!(job.run(&weary).is_err() && job.try_run(&weary).is_err());
    assert!(job.for_each(&weary, |_, _| {}).is_err());
    assert!(tally.settle() > 100);
}

#[test]
fn an_output_that_finds_no_room_is_dropped_once() {
    let tally = Tally::default();
    let job = over(0..10).map(|i| tally.output(i));
    let pushy = doing(&job, |_, run, caller| {
        while let Some(mut chunk) = run.try_claim() {
            while let Ok(()) = chunk.push(tally.output(0)) {}
            drop(chunk.push(tally.output(0)));
        }
        while caller.deliver() {}
        Ok(())
    });
    assert_eq!(job.run(&pushy).expect("it worked").len(), 10);
    tally.settle();
}

#[test]
fn outputs_whose_drop_panics_are_counted_in_the_error_which_still_names_the_item() {
    let tally = Tally::default();
    let job = over(0..100).chunk(Chunks::of(10)).map(|i| {
        assert_ne!(i, 60, "item sixty");
        let mut output = tally.output(i);
        output.panics = i % 10 != 0;
        output
    });
    let error = job.run(&Serial).map(|_| ()).expect_err("item 60");
    assert_eq!(error.item().map(|e| e.index()), Some(60));
    let text = error.to_string();
    assert!(text.contains("54 finished outputs panicked"), "{text}");
    assert_eq!(tally.settle(), 60);
}

#[test]
fn values_whose_drop_panics_do_not_hide_an_err() {
    let tally = Tally::default();
    let job = over(0..100).chunk(Chunks::of(10)).map(|i| {
        if i == 60 {
            return Err(i);
        }
        let mut output = tally.output(i);
        output.panics = true;
        Ok(output)
    });
    for workers in [1, 3] {
        let result = job.run_ok(&Scoped(workers)).map(|_| ());
        assert!(matches!(
            result,
            Err(Failed::Item {
                index: 60,
                error: 60
            })
        ));
    }
    tally.settle();
}

/// Its `Drop` panics, whatever else goes on: while unwinding that would abort the process.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a bomb");
    }
}

#[test]
fn an_output_too_many_whose_drop_panics_does_not_abort() {
    struct Pushy;
    impl Task for Pushy {
        type State = ();
        type Output = Bomb;
        fn count(&self) -> usize {
            3
        }
        fn start(&self, _: usize) -> Result<(), StartError> {
            Ok(())
        }
        fn call_chunk(&self, _: &mut (), span: &Span, out: &mut Writer<'_, Bomb>) {
            (0..=span.range().len()).for_each(|_| out.push(Bomb));
        }
    }
    let error = Job::new(Pushy).run(&Serial).map(std::mem::forget);
    let error = error.expect_err("one too many");
    assert!(error.is_contract(), "{error}");
    assert!(
        error.to_string().contains("3 finished outputs panicked"),
        "{error}"
    );
}

#[test]
fn outputs_that_a_panicking_callback_did_not_take_do_not_abort() {
    let job = over(0..9).chunk(Chunks::of(9)).map(|_| Bomb);
    let run = std::panic::AssertUnwindSafe(|| {
        job.for_each(&Serial, |i, bomb| {
            std::mem::forget(bomb);
            assert_ne!(i, 4, "callback");
        })
    });
    let panic = std::panic::catch_unwind(run).expect_err("the callback's");
    let text = panic.downcast_ref::<String>().expect("a text");
    assert!(text.contains("callback"), "{text}");
}

#[test]
fn outputs_without_a_size_are_counted_all_the_same() {
    static DROPS: AtomicUsize = AtomicUsize::new(0);
    struct Nothing;
    impl Drop for Nothing {
        fn drop(&mut self) {
            DROPS.fetch_add(1, Ordering::Relaxed);
        }
    }
    let job = over(0..1000).chunk(Chunks::of(7)).map(|_| Nothing);
    assert_eq!(job.run(&Scoped(3)).expect("it worked").len(), 1000);
    assert_eq!(DROPS.swap(0, Ordering::Relaxed), 1000);
    job.for_each(&Scoped(3), |_, _| {}).expect("it worked");
    assert_eq!(DROPS.swap(0, Ordering::Relaxed), 1000);
}

#[test]
fn over_aligned_outputs_lie_where_they_must() {
    #[derive(Debug, PartialEq)]
    #[repr(align(256))]
    struct Wide(usize);
    let aligned = |wide: &Wide| std::ptr::from_ref(wide).addr().is_multiple_of(256);
    let job = over(0..300).chunk(Chunks::of(7)).window(20).map(Wide);
    let outputs = job.run(&Scoped(3)).expect("it worked");
    assert!(outputs.iter().all(aligned));
    assert!(outputs.iter().enumerate().all(|(i, w)| w.0 == i));
    job.for_each(&Scoped(3), |i, w| assert_eq!(w.0, i))
        .expect("it worked");
}
