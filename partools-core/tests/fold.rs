//! `fold`: the same bits everywhere, and errors that name items rather than blocks.

use partools_core::{
    CancelToken, Chunks, Error, ItemError, Job, Loopback, Serial, Span, StartError, Task, Writer,
    over,
};
use std::cell::Cell;
use std::time::Duration;

/// What a plain loop over the documented blocks gives.
fn oracle(count: usize, item: impl Fn(usize) -> f64) -> f64 {
    let block = count.div_ceil(1024).max(1);
    let mut blocks = (0..count)
        .step_by(block)
        .map(|at| (at..count.min(at + block)).fold(0.0, |sum, i| sum + item(i)));
    let first = blocks.next().unwrap_or(0.0);
    blocks.fold(first, |left, right| left + right)
}

fn term(i: usize) -> f64 {
    (i as f64 + 0.1).sqrt().sin()
}

#[test]
fn a_fold_has_the_bits_of_its_blocks_whatever_the_chunks() {
    let policies = [
        Chunks::Auto,
        Chunks::Of(1),
        Chunks::Of(1000),
        Chunks::PerWorker(1),
        Chunks::Guided,
    ];
    for count in [0, 1, 2, 1023, 1024, 1025, 5000, 100_003] {
        let expected = oracle(count, term).to_bits();
        for chunks in policies {
            let job = over(0..count).chunk(chunks).map(term);
            let near = job.fold(&Serial, || 0.0, |a, x| a + x, |a, b| a + b);
            assert_eq!(near.expect("it ran").to_bits(), expected, "{count}");
            let far = job.fold(&Loopback, || 0.0, |a, x| a + x, |a, b| a + b);
            assert_eq!(far.expect("it ran").to_bits(), expected, "{count}");
        }
    }
}

#[test]
fn items_that_are_sent_are_folded_like_others() {
    let words: Vec<String> = (0..3000).map(|i| i.to_string()).collect();
    let job = over(&words).map(|word| word.len());
    for window in [1, 100, 100_000] {
        let job = job.clone().plan(partools_core::Plan::new().window(window));
        let far = job.fold(&Loopback, || 0, |a, x| a + x, |a, b| a + b);
        assert_eq!(far.expect("it ran"), 10 + 2 * 90 + 3 * 900 + 4 * 2000);
    }
}

fn failed(result: Result<usize, Error>) -> ItemError {
    result
        .expect_err("an item fails")
        .into_item()
        .expect("it is an item's failure")
}

#[test]
fn a_panic_inside_a_block_names_the_lowest_item() {
    for bad in [0, 1, 4999, 5000, 9998, 9999] {
        let job = over(0..10_000).map(|i| {
            assert!(i < bad, "too much");
            i
        });
        let add = |a, b| a + b;
        for failure in [
            failed(job.fold(&Serial, || 0, add, add)),
            failed(job.pick(0..10_000).fold(&Serial, || 0, add, add)),
        ] {
            assert_eq!(failure.index(), bad);
            let text = failure.to_string();
            let place = file!();
            assert!(
                text.starts_with(&format!("item {bad} panicked at {place}")),
                "{text}"
            );
        }
    }
    let job = over(0..10_000).map(|i| 10 / (i % 7777));
    let far = job.pick(1..10_000);
    assert_eq!(
        failed(far.fold(&Loopback, || 0, |a, b| a + b, |a, b| a + b)).index(),
        7777
    );
}

#[test]
fn a_panic_of_the_folding_function_names_the_item_whose_output_it_was_given() {
    let job = over(0..5000).map(|i| i);
    let fold = |a: usize, i| {
        assert!(i != 3333, "no");
        a + i
    };
    assert_eq!(
        failed(job.fold(&Serial, || 0, fold, |a, b| a + b)).index(),
        3333
    );
}

#[test]
fn a_block_is_tried_again_as_a_whole() {
    let called = Cell::new(0);
    let job = over(0..10_240).retries(2).map_cx(|i, cx| {
        called.set(called.get() + 1);
        assert!(cx.attempt == 2 || i != 57, "not yet");
        1
    });
    let sum = job.fold(&Serial, || 0, |a, x| a + x, |a, b| a + b);
    // Items 50 to 57 twice more.
    assert_eq!((sum.expect("it ran"), called.get()), (10_240, 10_240 + 16));
}

/// Says nothing about item 4321, and has a label for each.
struct Silent;

impl Task for Silent {
    type State = ();
    type Output = usize;
    fn count(&self) -> usize {
        9000
    }
    fn start(&self, _: usize) -> Result<(), StartError> {
        Ok(())
    }
    fn call_chunk(&self, _: &mut (), span: &Span, out: &mut Writer<'_, usize>) {
        for index in span.range() {
            if index == 4321 {
                return;
            }
            out.push(index);
        }
    }
    fn label(&self, index: usize) -> Option<String> {
        Some(format!("row {index}"))
    }
}

#[test]
fn what_fails_without_a_panic_is_found_item_by_item() {
    let failure = failed(Job::new(Silent).fold(&Serial, || 0, |a, b| a + b, |a, b| a + b));
    assert_eq!(
        failure.to_string(),
        "item 4321 (row 4321) got no output: its task returned without pushing one"
    );
}

#[test]
fn an_empty_fold_is_its_beginning() {
    let none = over(0..0).map(|i: usize| i);
    assert_eq!(
        none.fold(&Serial, || 7, |a, b| a + b, |a, b| a + b)
            .expect("it ran"),
        7
    );
}

#[test]
fn an_item_timeout_is_refused_and_a_deadline_counts_items() {
    let add = |a, b| a + b;
    let timed = over(0..10).item_timeout(Duration::from_secs(1)).map(|i| i);
    let error = timed.fold(&Serial, || 0, add, add).expect_err("refused");
    assert!(error.is_plan() && error.to_string().contains("for_each"));

    let token = CancelToken::new();
    let job = over(0..100_000).cancel(&token).map(|i| {
        if i == 50_000 {
            token.cancel();
        }
        i
    });
    let error = job.fold(&Serial, || 0, add, add).expect_err("cancelled");
    assert!(error.is_cancelled());
    assert!(error.to_string().contains("of 100000 items"), "{error}");
}

#[test]
fn a_combination_that_panics_goes_on_in_the_caller() {
    let job = over(0..5000).map(|i| i);
    let combine = |_: usize, _: usize| panic!("not mine");
    let caught = std::panic::catch_unwind(|| job.fold(&Serial, || 0, |a, x| a + x, combine));
    assert_eq!(
        caught.expect_err("it panics").downcast_ref(),
        Some(&"not mine")
    );
}
