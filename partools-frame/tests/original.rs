//! The bugs of the Python original, one test each: options that were accepted and never passed on, a caller's frame that
//! was sorted in place, and keys of which only the last was labelled.

use arrow_array::*;
use partools_core::{Chunks, Executor, Serial};
use partools_frame::{Frame, GroupTask};
use partools_threads::Threads;
use std::sync::Arc;

fn frame() -> Frame {
    let columns: [(&str, ArrayRef); 3] = [
        (
            "a",
            Arc::new(StringArray::from(vec!["y", "x", "y", "x", "z"])),
        ),
        ("b", Arc::new(Int64Array::from(vec![2, 1, 1, 1, 0]))),
        ("v", Arc::new(Int64Array::from(vec![10, 20, 30, 40, 50]))),
    ];
    Frame::new(columns).expect("a frame")
}

fn texts(frame: &Frame, name: &str) -> Vec<String> {
    let column = frame.column(name).expect("a column");
    let texts = column
        .as_any()
        .downcast_ref::<StringArray>()
        .expect("texts");
    texts.iter().flatten().map(str::to_owned).collect()
}

#[test]
fn sort_is_obeyed_and_so_is_its_absence() {
    let groups = |sort| {
        let job = frame()
            .group_by(["a"])
            .sort(sort)
            .chunk(Chunks::of(1))
            .apply(|group| group.len());
        texts(&job.run(&Threads::new().workers(2)).expect("runs"), "a")
    };
    assert_eq!(groups(true), ["x", "y", "z"]);
    assert_eq!(groups(false), ["y", "x", "z"]);
}

#[test]
fn keep_order_is_obeyed_and_so_is_its_absence() {
    let by = frame().group_by(["a"]).group_keys(false);
    let values = |by: partools_frame::GroupBy| {
        let job = by.apply(|group| Ok(group.column::<i64>("v")?.to_vec()));
        let result = job.run(&Threads::new().workers(2)).expect("runs");
        result.values::<i64>("value").expect("values").to_vec()
    };
    assert_eq!(values(by.clone()), [20, 40, 10, 30, 50]);
    assert_eq!(values(by.keep_order()), [10, 20, 30, 40, 50]);
}

#[test]
fn with_several_keys_each_is_a_column_with_its_values() {
    let result = frame()
        .group_by(["a", "b"])
        .apply(|group| Ok(group.column::<i64>("v")?.to_vec()));
    let result = result.run(&Serial).expect("runs");
    assert_eq!(result.names().collect::<Vec<_>>(), ["a", "b", "value"]);
    assert_eq!(texts(&result, "a"), ["x", "x", "y", "y", "z"]);
    assert_eq!(result.values::<i64>("b").expect("keys"), [1, 1, 1, 2, 0]);
    assert_eq!(
        result.values::<i64>("value").expect("values"),
        [20, 40, 30, 10, 50]
    );
}

#[test]
fn the_callers_frame_is_what_it_was() {
    let (before, mine) = (frame(), frame());
    for sort in [true, false] {
        let sums = mine
            .group_by(["b", "a"])
            .sort(sort)
            .apply(|group| group.len())
            .run(&Serial)
            .expect("runs");
        assert_eq!(sums.num_rows(), 4);
    }
    assert_eq!(mine, before);
}

/// A closure and its result need no annotation, with and without `?`, and a form can be run on what one is handed.
#[test]
fn closures_infer() {
    fn on<'t, S, K, R, E>(job: &'t partools_frame::Apply<S, K, R>, executor: &E) -> usize
    where
        S: partools_core::Shared,
        K: partools_frame::CallGroup<S, Part = R::Part>,
        R: partools_frame::Output,
        E: Executor<GroupTask<'t, S, K>>,
    {
        job.run(executor).expect("runs").num_rows()
    }
    let frame = frame();
    assert_eq!(
        on(
            &frame.group_by(["a"]).apply(|g| g.len() as f64 / 2.0),
            &Serial
        ),
        3
    );
    assert_eq!(
        on(
            &frame
                .group_by(["a"])
                .apply(|g| Ok(g.column::<i64>("v")?.iter().sum::<i64>())),
            &Serial
        ),
        3
    );
    assert_eq!(
        on(
            &frame
                .group_by(["a"])
                .apply(|g| Ok((g.len(), g.key().text("a")?.map(str::to_owned)))),
            &Serial
        ),
        3
    );
    assert_eq!(
        on(
            &frame
                .group_by(["a"])
                .apply(|g| (g.len() > 1).then_some(true)),
            &Serial
        ),
        2
    );
}
