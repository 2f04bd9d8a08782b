//! Items that lie about their number, or panic where they should lend.

use crate::{Doing, Scoped, doing};
use partools_core::{Cause, Error, Items, Lend, Serial, over, zip};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Numbers whose count is another one at each call, and which panic from an index on.
struct Moody {
    counts: Vec<usize>,
    asked: AtomicUsize,
    panics_from: usize,
}

impl Moody {
    fn new(counts: &[usize], panics_from: usize) -> Self {
        Moody {
            counts: counts.to_vec(),
            asked: AtomicUsize::new(0),
            panics_from,
        }
    }
}

impl<'a> Lend<'a> for Moody {
    type Item = String;
}

impl Items for Moody {
    fn count(&self) -> usize {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        self.counts[asked % self.counts.len()]
    }
    fn at(&self, index: usize) -> String {
        assert!(index < self.panics_from, "there is no item {index}");
        index.to_string()
    }
}

#[test]
fn a_count_that_changes_is_read_once() {
    for counts in [[10, 1000], [10, 0], [10, usize::MAX]] {
        for workers in [1, 3] {
            let job = over(Moody::new(&counts, usize::MAX)).map(|s| s);
            let outputs = job.run(&Scoped(workers)).expect("ten items");
            assert_eq!(outputs, (0..10).map(|i| i.to_string()).collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_zip_of_moody_items_is_as_long_as_it_was_when_the_map_began() {
    let moody = Moody::new(&[10, 3, 1000], usize::MAX);
    let job = over(zip(&[7; 12], moody)).map(|(a, s)| format!("{a}{s}"));
    assert_eq!(job.run(&Serial).expect("ten items").len(), 10);
}

#[test]
fn an_item_that_cannot_be_lent_is_a_failure_of_that_item() {
    let job = over(Moody::new(&[10], 6)).map(|s| s);
    let error = job.run(&Scoped(2)).expect_err("there is no item 6");
    let item = error.item().expect("an item's failure");
    assert_eq!(item.index(), 6);
    assert!(
        matches!(item.cause(), Cause::Panicked { message, .. } if message == "there is no item 6")
    );
    let results = job.try_run(&Scoped(2)).expect("the others");
    assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 6);
}

#[test]
fn items_beyond_all_memory_are_an_error_where_all_outputs_are_wanted() {
    let error: Error = over(0..usize::MAX)
        .map(|i| i)
        .run(&Serial)
        .expect_err("no memory");
    let text = error.to_string();
    assert!(
        text.starts_with("no memory for 18446744073709551615 outputs of type usize"),
        "{text}"
    );
    assert!(text.contains("for_each"), "{text}");
}

#[test]
fn items_without_end_are_fine_where_an_early_one_fails() {
    for workers in [1, 2] {
        let job = over(0..usize::MAX).map(|i| assert!(i != 1000, "enough"));
        let error = job.run(&Scoped(workers)).expect_err("item 1000");
        assert_eq!(error.item().map(|e| e.index()), Some(1000));
        let mut delivered = 0;
        let error = job
            .for_each(&Scoped(workers), |_, ()| delivered += 1)
            .expect_err("item 1000");
        assert_eq!(error.item().map(|e| e.index()), Some(1000));
        assert_eq!(delivered, 1000);
    }
}

#[test]
fn the_last_indices_of_usize_are_claimed_like_others() {
    let job = over(0..usize::MAX).map(|_| ());
    let remote = doing(&job, |_, run, _| {
        let last = usize::MAX - 3..usize::MAX;
        let mut chunk = run.admit(last.clone()).expect("the last three");
        last.for_each(|_| chunk.push(()).expect("room"));
        chunk.push(()).expect_err("it is full");
        chunk.commit();
        assert!(run.admit(usize::MAX - 1..usize::MAX).is_none());
        let rest = run.admit(0..usize::MAX - 3).expect("the others");
        rest.lost(Cause::Exited { code: 1 });
        Ok(())
    });
    let error = job
        .run(&Doing(usize::MAX, remote.1))
        .expect_err("item 0 was lost");
    assert_eq!(error.item().map(|e| e.index()), Some(0), "{error}");
}
