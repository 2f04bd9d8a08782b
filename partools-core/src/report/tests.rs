//! The report against maps whose numbers are known.

use super::Report;
use crate::{
    Caller, CancelToken, Capabilities, Chunks, Error, Executor, Loopback, Run, Serial, Task, over,
    over_iter,
};
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
fn the_windows_of_a_stream_are_added_up() {
    let report = Report::new();
    for count in [35, 95] {
        let stream = over_iter(0..count).window(10).observe(&report);
        let stream = stream.map(|n| {
            if *n == count - 22 {
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        stream.run(&Serial).expect("it ran");
    }
    let summary = report.summary();
    assert_eq!((summary.items, summary.finished), (95, 95));
    assert_eq!(summary.windows, 10);
    let workers: Vec<_> = summary
        .workers
        .iter()
        .map(|w| (w.items, w.starts))
        .collect();
    assert_eq!(workers, [(95, 10)]);
    // By its index in the stream.
    assert!(summary.slowest[0].items().contains(&73), "{report}");
    assert!(report.to_string().contains("windows 10"), "{report}");
    let job = over(0..7).observe(&report).map(|i| i);
    job.run(&Serial).expect("it ran");
    assert_eq!((report.summary().items, report.summary().windows), (7, 1));
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

/// Claims, and says nothing of workers.
struct Silent;

impl<T: Task<Output = usize>> Executor<T> for Silent {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new("silent", 1)
    }
    fn execute(&self, _: &T, run: &Run<usize>, _: &mut Caller<'_, usize>) -> Result<(), Error> {
        while let Some(mut chunk) = run.try_claim() {
            while chunk.push(7).is_ok() {}
        }
        Ok(())
    }
}

#[test]
fn claims_stand_in_where_no_worker_is_known() {
    let report = Report::new();
    let job = over(0..64).observe(&report).map(|i| i * 2);
    job.run(&Silent).expect("it ran");
    let summary = report.summary();
    assert_eq!(
        (summary.finished, summary.chunks),
        (64, 32),
        "it can be watched"
    );
    assert!(summary.slowest.iter().all(|timed| timed.items().len() == 2));
    let workers: Vec<_> = summary
        .workers
        .iter()
        .map(|w| (w.worker, w.items))
        .collect();
    assert_eq!(workers, [(Some(0), 0), (None, 64)]);
}

#[test]
fn times_and_retries_cross_a_border() {
    let report = Report::new();
    let job = over(0..64).retries(1).observe(&report).map_cx(|i, cx| {
        assert!(i != 9 || cx.attempt > 0, "not yet");
        if i == 33 {
            std::thread::sleep(Duration::from_millis(30));
        }
    });
    job.run(&Loopback).expect("it ran");
    let summary = report.summary();
    assert_eq!((summary.finished, summary.retries), (64, 1));
    let at_33 = summary
        .slowest
        .iter()
        .find(|timed| timed.items().contains(&33));
    assert!(
        at_33.is_some_and(|t| t.took() >= Duration::from_millis(30)),
        "{report}"
    );
    assert_eq!(summary.workers.len(), 1);
    assert!(
        summary.workers[0].busy >= Duration::from_millis(30),
        "{report}"
    );
    assert!(summary.workers[0].busy <= summary.elapsed, "{report}");
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
