//! Tasks that push too much, too little or nothing, panic late, or lie about their number.

use crate::{Scoped, contract};
use partools_core::{Cause, Error, Failed, Job, Plan, Serial, Span, StartError, Task, Writer};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Twenty items, of which item 5 is called as `quirk` says.
struct Quirky {
    quirk: fn(&mut Writer<'_, Result<String, String>>),
    started: AtomicUsize,
}

fn quirky(quirk: fn(&mut Writer<'_, Result<String, String>>)) -> Job<Quirky> {
    Job::new(Quirky {
        quirk,
        started: AtomicUsize::new(0),
    })
}

impl Task for Quirky {
    type State = ();
    type Output = Result<String, String>;
    fn count(&self) -> usize {
        20
    }
    fn start(&self, _: usize) -> Result<(), StartError> {
        self.started.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
    fn call_chunk(&self, _: &mut (), span: &Span, out: &mut Writer<'_, Self::Output>) {
        for index in span.range() {
            match index {
                5 => (self.quirk)(out),
                _ => out.push(Ok(index.to_string())),
            }
        }
    }
}

/// What every ending says of a quirk.
fn endings(quirk: fn(&mut Writer<'_, Result<String, String>>)) -> Vec<Error> {
    let mut errors = Vec::new();
    for workers in [1, 3] {
        let (job, on) = (quirky(quirk), Scoped(workers));
        errors.extend(job.run(&on).err());
        errors.extend(job.for_each(&on, |_, _| {}).err());
        for failed in [job.run_ok(&on), job.run_ok_text(&on)] {
            match failed {
                Err(Failed::Map(error)) => errors.push(error),
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(errors.len(), 8);
    errors
}

/// Item 5 gets two outputs. Where it is called alone the second is one too many; in a longer span it takes
/// the place of item 6, and the last item's is one too many.
#[test]
fn a_task_that_pushes_more_outputs_than_items_is_told_so() {
    for error in endings(|out| {
        out.push(Ok("one".into()));
        out.push(Ok("too many".into()));
    }) {
        let text = contract(&error);
        assert!(text.contains("more than"), "{text}");
    }
}

#[test]
fn a_task_that_hides_its_overflow_is_told_so_all_the_same() {
    for error in endings(|out| {
        let push = std::panic::AssertUnwindSafe(|| {
            (0..30).for_each(|i| out.push(Ok(i.to_string())));
        });
        let _ = std::panic::catch_unwind(push);
    }) {
        let text = contract(&error);
        assert!(text.contains("more than"), "{text}");
    }
}

#[test]
fn an_item_without_an_output_has_failed() {
    /// One output for each item but item 5, each span ends there.
    struct Mute;
    impl Task for Mute {
        type State = ();
        type Output = String;
        fn count(&self) -> usize {
            20
        }
        fn start(&self, _: usize) -> Result<(), StartError> {
            Ok(())
        }
        fn call_chunk(&self, _: &mut (), span: &Span, out: &mut Writer<'_, String>) {
            for index in span.range().take_while(|&i| i != 5) {
                out.push(index.to_string());
            }
        }
    }
    for workers in [1, 3] {
        for retries in [0, 2] {
            let job = Job::new(Mute).plan(Plan::new().retries(retries));
            let error = job.run(&Scoped(workers)).expect_err("item 5");
            let item = error.item().expect("an item's failure");
            assert_eq!((item.index(), item.attempt()), (5, retries));
            assert_eq!(*item.cause(), Cause::NoOutput);
            let results = job.try_run(&Scoped(workers)).expect("the others");
            assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 19);
        }
    }
}

#[test]
fn a_task_that_never_pushes_fails_item_by_item() {
    struct Silent;
    impl Task for Silent {
        type State = ();
        type Output = String;
        fn count(&self) -> usize {
            100
        }
        fn start(&self, _: usize) -> Result<(), StartError> {
            Ok(())
        }
        fn call_chunk(&self, _: &mut (), _: &Span, _: &mut Writer<'_, String>) {}
    }
    let error = Job::new(Silent).run(&Scoped(2)).expect_err("item 0");
    assert_eq!(error.item().map(|e| e.index()), Some(0));
    let results = Job::new(Silent).try_run(&Scoped(2)).expect("failures");
    assert_eq!(results.iter().filter(|r| r.is_err()).count(), 100);
}

#[test]
fn a_panic_behind_the_last_item_is_the_tasks_fault_and_no_items() {
    struct Late;
    impl Task for Late {
        type State = ();
        type Output = String;
        fn count(&self) -> usize {
            10
        }
        fn start(&self, _: usize) -> Result<(), StartError> {
            Ok(())
        }
        fn call_chunk(&self, _: &mut (), span: &Span, out: &mut Writer<'_, String>) {
            span.range().for_each(|i| out.push(i.to_string()));
            panic!("too late");
        }
    }
    for workers in [1, 3] {
        let error = Job::new(Late).run(&Scoped(workers)).expect_err("it panics");
        assert!(error.item().is_none());
        let text = contract(&error);
        assert!(
            text.contains("behind its last item") && text.contains("too late"),
            "{text}"
        );
    }
}

#[test]
fn a_task_whose_count_lies_is_asked_once() {
    struct Liar(AtomicUsize);
    impl Task for Liar {
        type State = ();
        type Output = usize;
        fn count(&self) -> usize {
            [10, 1_000_000, 0][self.0.fetch_add(1, Ordering::Relaxed) % 3]
        }
        fn start(&self, _: usize) -> Result<(), StartError> {
            Ok(())
        }
        fn call_chunk(&self, _: &mut (), span: &Span, out: &mut Writer<'_, usize>) {
            span.range().for_each(|i| out.push(i));
        }
    }
    let job = Job::new(Liar(AtomicUsize::new(0)));
    assert_eq!(job.run(&Scoped(3)).expect("ten items").len(), 10);
    assert_eq!(job.task().0.load(Ordering::Relaxed), 1);
}

#[test]
fn a_state_that_cannot_be_made_ends_the_map_without_a_second_try() {
    struct NoState(AtomicUsize);
    impl Task for NoState {
        type State = ();
        type Output = usize;
        fn count(&self) -> usize {
            1000
        }
        fn start(&self, worker: usize) -> Result<(), StartError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            match worker {
                0 => Err("no licence".into()),
                _ => panic!("no licence"),
            }
        }
        fn call_chunk(&self, _: &mut (), _: &Span, _: &mut Writer<'_, usize>) {}
    }
    for workers in [1, 3] {
        let job = Job::new(NoState(AtomicUsize::new(0)));
        let error = job.run(&Scoped(workers)).expect_err("no state");
        assert!(
            error.is_start() && error.to_string().contains("no licence"),
            "{error}"
        );
        assert!(job.task().0.load(Ordering::Relaxed) <= workers);
    }
}

/// A state whose `Drop` panics, twenty items, and one of them may panic first.
struct Sour(Option<usize>);
struct Bomb;
impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the state's drop");
    }
}
impl Task for Sour {
    type State = Bomb;
    type Output = usize;
    fn count(&self) -> usize {
        20
    }
    fn start(&self, _: usize) -> Result<Bomb, StartError> {
        Ok(Bomb)
    }
    fn call_chunk(&self, _: &mut Bomb, span: &Span, out: &mut Writer<'_, usize>) {
        for i in span.range() {
            assert_ne!(Some(i), self.0, "the item");
            out.push(i);
        }
    }
}

#[test]
fn a_state_whose_drop_panics_is_an_error() {
    for item in [None, Some(7)] {
        for workers in [1, 3] {
            let error = Job::new(Sour(item))
                .run(&Scoped(workers))
                .expect_err("the drop");
            let text = contract(&error);
            assert!(text.contains("the state's drop"), "{text}");
        }
    }
}

/// (On `Serial`: a helper that ended first would make its own state's panic the error.)
#[test]
fn a_callbacks_panic_goes_on_past_a_state_whose_drop_panics() {
    let job = Job::new(Sour(None));
    let run = std::panic::AssertUnwindSafe(|| job.for_each(&Serial, |_, _| panic!("callback")));
    let panic = std::panic::catch_unwind(run).expect_err("the callback's");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"callback"));
}
