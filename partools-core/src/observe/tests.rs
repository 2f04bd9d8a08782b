//! Events against maps whose course is known.

use super::{Ending, Event, Moment, Observer, Wants};
use crate::{Chunks, Loopback, Report, Serial, over};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// Keeps events as text.
#[derive(Clone, Default)]
struct Texts(Arc<Mutex<Vec<String>>>);

impl Texts {
    fn all(&self) -> Vec<String> {
        let texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        texts.clone()
    }
}

impl Observer for Texts {
    fn event(&self, event: &Event<'_>, _: &Moment) {
        let text = match event {
            Event::Done { since, .. } => {
                assert!(since.elapsed().as_secs() < 60);
                format!("{event:?}").replace(&format!(", since: {since:?}"), "")
            }
            Event::Worked {
                worker: Some(worker),
                items,
                ..
            } => format!("worker {worker} worked on {items:?}"),
            Event::Retried { error, .. } => {
                format!("again: {} after {}", error.index(), error.attempt())
            }
            Event::Failed { error } => format!("failed: {}", error.index()),
            Event::Ended { ending } => match ending {
                Ending::Failed(_) => "ended: failed".to_owned(),
                ending => format!("ended: {ending}"),
            },
            event => format!("{event:?}"),
        };
        let mut texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        texts.push(text);
    }
}

#[test]
fn the_events_of_a_map_in_their_order() {
    let texts = Texts::default();
    let job = over(0..5).chunk(Chunks::of(3)).retries(1).observe(&texts);
    let job = job.map_cx(|i, cx| assert!(i != 1 && (i != 4 || cx.attempt > 0)));
    assert!(job.try_run(&Serial).is_ok());
    let expected = [
        "Started { executor: \"serial\", workers: 1, items: 5 }",
        "WorkerStarted { worker: 0, process: None, again: false }",
        "Claimed { items: 0..3, attempt: 0, worker: Some(0) }",
        "again: 1 after 0",
        "failed: 1",
        "worker 0 worked on 0..3",
        "Done { items: 0..3, failed: 1, worker: Some(0) }",
        "Claimed { items: 3..5, attempt: 0, worker: Some(0) }",
        "again: 4 after 0",
        "worker 0 worked on 3..5",
        "Done { items: 3..5, failed: 0, worker: Some(0) }",
        "WorkerEnded { worker: 0 }",
        "ended: all that was needed is finished",
    ];
    assert_eq!(texts.all(), expected);
}

#[test]
fn an_error_is_told_before_it_is_returned() {
    let texts = Texts::default();
    let job = over(0..5).observe(&texts).map(|i| assert!(i < 2));
    job.run(&Serial).unwrap_err();
    let all = texts.all();
    assert!(all.contains(&"failed: 2".to_owned()), "{all:?}");
    assert_eq!(all.last().map(String::as_str), Some("ended: failed"));
}

#[test]
fn a_map_without_items_begins_and_ends() {
    let texts = Texts::default();
    over(0..0)
        .observe(&texts)
        .map(|i| i)
        .run(&Serial)
        .expect("nothing to do");
    let expected = [
        "Started { executor: \"\", workers: 0, items: 0 }",
        "ended: all that was needed is finished",
    ];
    assert_eq!(texts.all(), expected);
}

#[test]
fn a_map_that_is_refused_has_no_events() {
    let texts = Texts::default();
    let job = over(0..5).observe(&texts).chunk(Chunks::of(0)).map(|i| i);
    assert!(job.run(&Serial).unwrap_err().is_plan());
    assert_eq!(texts.all(), [""; 0]);
}

/// Panics at each event, and counts them.
#[derive(Clone, Default)]
struct Panics(Arc<Mutex<usize>>);

impl Observer for Panics {
    fn event(&self, _: &Event<'_>, _: &Moment) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        panic!("an observer's own trouble");
    }
}

#[test]
fn an_observer_that_panics_harms_nobody_and_is_not_called_again() {
    let (panics, texts, report) = (Panics::default(), Texts::default(), Report::new());
    let job = over(0..100)
        .observe(&panics)
        .observe(&texts)
        .observe(&report)
        .map(|i| i);
    for _ in 0..2 {
        assert_eq!(
            job.run(&Serial).expect("it is not the map's trouble").len(),
            100
        );
        assert_eq!(report.summary().warnings.len(), 1);
    }
    // Once in each map.
    assert_eq!(*panics.0.lock().unwrap_or_else(PoisonError::into_inner), 2);
    assert!(texts.all().iter().any(|text| text.starts_with("Warning")));
}

/// Whoever cannot even say what it wants.
#[derive(Clone)]
struct Undecided;

impl Observer for Undecided {
    fn event(&self, _: &Event<'_>, _: &Moment) {
        unreachable!("it is deaf already");
    }
    fn wants(&self) -> Wants {
        panic!("who knows")
    }
}

#[test]
fn an_observer_that_panics_when_asked_what_it_wants_is_not_called() {
    let job = over(0..3).observe(&Undecided).map(|i| i);
    assert_eq!(job.run(&Serial).expect("it ran"), [0, 1, 2]);
}

#[derive(Clone, Default)]
struct Finished(Arc<Mutex<Vec<Range<usize>>>>);

impl Observer for Finished {
    fn event(&self, event: &Event<'_>, _: &Moment) {
        if let Event::Done { items, .. } = event {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.push(items.clone());
        }
    }
}

#[test]
fn each_item_is_done_once_also_across_a_border() {
    let finished = Finished::default();
    let job = over(0..1000)
        .observe(&finished)
        .retries(1)
        .map(|i| assert!(i % 7 != 3));
    job.try_run(&Loopback).expect("it ran");
    let mut all = finished
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    all.sort_by_key(|range| range.start);
    let mut reached = 0;
    for range in &all {
        assert_eq!(range.start, reached, "{all:?}");
        reached = range.end;
    }
    assert_eq!(reached, 1000);
}
