//! What the bar draws, seen on a terminal in memory.

use indicatif::{InMemoryTerm, ProgressBar, ProgressDrawTarget};
use partools_core::{Chunks, Serial, over};
use partools_insight::Progress;
use partools_threads::Threads;
use std::cell::RefCell;
use std::time::Duration;

fn terminal() -> (InMemoryTerm, Progress) {
    let terminal = InMemoryTerm::new(10, 100);
    let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
    let bar = ProgressBar::with_draw_target(None, target);
    (terminal, Progress::with(bar))
}

#[test]
fn a_finished_map_leaves_a_full_bar() {
    let (terminal, progress) = terminal();
    let job = over(0..5000).observe(&progress).map(|i| i);
    job.run(&Serial).expect("it ran");
    let seen = terminal.contents();
    assert!(seen.contains("5,000/5,000 in "), "{seen}");
    assert!(!seen.contains("failed") && seen.contains('█'), "{seen}");
}

#[test]
fn rate_time_left_and_failures_are_shown_on_the_way() {
    let (terminal, progress) = terminal();
    let frames = RefCell::new(Vec::new());
    let job = over(0..60)
        .chunk(Chunks::of(1))
        .observe(&progress)
        .map(|i| {
            frames.borrow_mut().push(terminal.contents());
            std::thread::sleep(Duration::from_millis(10));
            assert_ne!(i, 3, "this one");
        });
    job.try_run(&Serial).expect("it ran");
    let frames = frames.into_inner();
    let half = &frames[40];
    println!("{half}");
    assert!(half.contains("/60, ") && half.contains("/s, "), "{half}");
    assert!(half.contains(" left, 1 failed"), "{half}");
    assert!(
        terminal.contents().contains(", 1 failed"),
        "{}",
        terminal.contents()
    );
}

#[test]
fn a_map_that_ends_in_an_error_leaves_the_bar_where_it_was_and_says_why() {
    let (terminal, progress) = terminal();
    let job = over(0..60).chunk(Chunks::of(1)).observe(&progress);
    let job = job.map(|i| assert!(i < 30, "no more"));
    job.run(&Serial).unwrap_err();
    let seen = terminal.contents();
    println!("{seen}");
    assert!(
        seen.contains("31/60 in ") && seen.contains("1 failed; item 30 panicked"),
        "{seen}"
    );
}

#[test]
fn a_second_map_takes_over_the_bar() {
    let (terminal, progress) = terminal();
    for items in [100, 250] {
        let job = over(0..items).observe(&progress).map(|i| i);
        job.run(&Threads::new().workers(2)).expect("it ran");
    }
    let seen = terminal.contents();
    assert!(
        seen.contains("250/250") && !seen.contains("100/100"),
        "{seen}"
    );
    assert_eq!(seen.lines().count(), 1, "{seen}");
}

/// The test's own standard error is no terminal (the harness may run in one; then this says nothing).
#[test]
fn nothing_is_drawn_where_standard_error_is_no_terminal() {
    use std::io::IsTerminal;
    let bar = ProgressBar::no_length();
    assert_eq!(bar.is_hidden(), !std::io::stderr().is_terminal());
    let job = over(0..100).observe(&Progress::new()).map(|i| i);
    assert_eq!(job.run(&Serial).expect("it ran").len(), 100);
}
