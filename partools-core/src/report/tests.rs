//! The report against maps whose numbers are known.

use super::Report;
use crate::{CancelToken, Chunks, Loopback, Serial, over};
use std::time::Duration;

#[test]
fn the_numbers_of_a_plain_map() {
    let report = Report::new();
    let job = over(0..100)
        .chunk(Chunks::of(30))
        .observe(&report)
        .map(|i| i);
    job.run(&Serial).expect("it ran");
    let summary = report.summary();
    assert_eq!((summary.executor, summary.items), ("serial", 100));
    assert_eq!((summary.finished, summary.failed), (100, 0));
    assert_eq!((summary.chunks, summary.retries), (4, 0));
    assert_eq!(summary.workers.len(), 1);
    assert_eq!(summary.workers[0].items, 100);
    assert_eq!(summary.workers[0].starts, 1);
    assert!(summary.workers[0].busy <= summary.elapsed);
    assert!(!summary.slowest.is_empty());
}

#[test]
fn a_report_begins_anew_with_each_map() {
    let report = Report::new();
    let job = over(0..100).observe(&report).map(|i| i);
    for _ in 0..3 {
        job.run(&Serial).expect("it ran");
        assert_eq!(report.summary().finished, 100);
    }
    let none = over(0..0).observe(&report).map(|i| i);
    none.run(&Serial).expect("it ran");
    assert_eq!((report.summary().items, report.summary().executor), (0, ""));
}

#[test]
fn a_clone_is_the_same_report() {
    let report = Report::new();
    let job = over(0..7).observe(&report.clone()).map(|i| i);
    job.run(&Serial).expect("it ran");
    assert_eq!(report.summary().finished, 7);
}

#[test]
fn a_report_of_a_map_that_unwound() {
    let report = Report::new();
    let job = over(0..100).observe(&report).map(|i| i);
    let unwound =
        std::panic::catch_unwind(|| job.for_each(&Serial, |index, _| assert!(index < 5, "enough")));
    assert!(unwound.is_err());
    let ending = report.summary().ending;
    assert_eq!(ending.as_deref(), Some("a panic, which goes on"));
}

#[test]
fn a_report_of_a_map_that_was_cancelled() {
    let (report, token) = (Report::new(), CancelToken::new());
    let job = over(0..1000).cancel(&token).observe(&report).map(|i| {
        if i == 10 {
            token.cancel();
        }
    });
    let results = job.try_run(&Serial).expect("what was finished");
    let finished = results.iter().filter(|result| result.is_ok()).count();
    let summary = report.summary();
    assert_eq!(summary.finished, finished);
    assert_eq!(summary.ending.as_deref(), Some("the map was cancelled"));
}

#[test]
fn claims_stand_in_where_workers_do_not_time_items() {
    let report = Report::new();
    let job = over(0..64).observe(&report).map(|i| i * 2);
    job.run(&Loopback).expect("it ran");
    let summary = report.summary();
    assert_eq!(summary.finished, 64);
    assert!(summary.chunks > 1, "it can be watched: {summary:?}");
    assert!(summary.slowest.iter().all(|timed| timed.items().len() == 2));
}

#[test]
fn a_slow_item_among_cheap_ones_is_found() {
    let report = Report::new();
    let job = over(0..2000).observe(&report).map(|i| {
        if i == 777 {
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    job.run(&Serial).expect("it ran");
    let slowest = report.summary().slowest;
    assert!(slowest[0].items().contains(&777), "{slowest:?}");
    assert!(slowest[0].took() >= Duration::from_millis(5));
}

#[test]
fn a_summary_is_text_before_while_and_after() {
    let report = Report::new();
    assert_eq!(report.to_string(), "no map was observed");
    let job = over(0..2).observe(&report).map(|_| report.to_string());
    let texts = job.run(&Serial).expect("it ran");
    assert!(texts[0].contains("it is still running"), "{}", texts[0]);
    let text = report.to_string();
    assert!(text.contains("2 of 2 items on serial"), "{text}");
    assert!(text.lines().count() >= 5, "{text}");
}
