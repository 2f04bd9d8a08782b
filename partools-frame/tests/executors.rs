//! Equal results everywhere, and groups that crash are named. It forks, so that it runs on the main thread.

use arrow_array::*;
use libtest_mimic::{Arguments, Failed, Trial};
use partools_core::{Loopback, Serial};
use partools_frame::{Frame, FrameError, agg};
use partools_threads::Threads;
use std::process::ExitCode;
use std::sync::Arc;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let trials = vec![
        Trial::test(
            "every_operation_gives_equal_results_on_every_executor",
            equal,
        ),
        Trial::test("a_shared_argument_is_seen_on_every_executor", shared),
        Trial::test("a_series_is_the_same_on_every_executor", series),
        #[cfg(target_os = "linux")]
        Trial::test(
            "a_group_that_crashes_is_named_and_no_other_is_lost",
            crashing,
        ),
        #[cfg(target_os = "linux")]
        Trial::test("a_closure_may_capture_what_it_likes_under_fork", capturing),
        Trial::test("the_callers_frame_is_never_changed", unchanged),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

type Outcome = Result<(), Failed>;

fn frame() -> Frame {
    let origins = ["EWR", "JFK", "LGA", "EWR", "JFK"];
    let rows = 0..1000_i32;
    let columns: [(&str, ArrayRef); 4] = [
        (
            "origin",
            Arc::new(StringArray::from_iter_values(
                rows.clone().map(|i| origins[(i as usize * 7) % 5]),
            )),
        ),
        (
            "month",
            Arc::new(
                rows.clone()
                    .map(|i| (i % 13 != 0).then_some(i % 4))
                    .collect::<Int32Array>(),
            ),
        ),
        (
            "delay",
            Arc::new(
                rows.clone()
                    .map(|i| (i % 11 != 0).then_some(f64::from(i * 37 % 101) - 50.0))
                    .collect::<Float64Array>(),
            ),
        ),
        (
            "flight",
            Arc::new(Int64Array::from_iter_values(rows.map(i64::from))),
        ),
    ];
    Frame::new(columns).expect("a frame")
}

/// Every operation, with every kind of result.
macro_rules! all {
    ($executor:expr) => {{
        let executor = $executor;
        let frame = frame();
        let by = || frame.group_by(["origin", "month"]);
        let results: Vec<Result<Frame, FrameError>> = vec![
            by().apply(|group| Ok(group.valid::<f64>("delay")?.iter().sum::<f64>()))
                .run(executor),
            by().sort(false)
                .dropna(false)
                .apply(|group| group.len())
                .run(executor),
            by().apply(|group| (group.len() > 30).then(|| format!("{}", group.key())))
                .run(executor),
            by().apply(|group| {
                Ok((
                    group.index(),
                    group.optional::<f64>("delay")?[0],
                    true,
                    "text",
                ))
            })
            .run(executor),
            by().group_keys(false)
                .keep_order()
                .apply(|group| Ok(group.column::<i64>("flight")?.to_vec()))
                .run(executor),
            by().apply(|group| Ok(group.array("flight")?)).run(executor),
            by().apply(|group| Ok(group.batch()?.slice(0, 2)))
                .named(["a", "b", "c", "d"])
                .run(executor),
            by().transform(|group| {
                Ok(group
                    .valid::<f64>("delay")?
                    .iter()
                    .copied()
                    .reduce(f64::min))
            })
            .run(executor),
            by().filter(|group| Ok(group.column::<i64>("flight")?[0] % 2 == 0))
                .run(executor),
            by().agg([
                agg::mean("delay"),
                agg::max("flight"),
                agg::first("origin").named("o"),
            ])
            .run(executor),
            by().presorted()
                .apply(|group| group.len())
                .run(executor)
                .or_else(|error| {
                    let text = Arc::new(StringArray::from(vec![error.to_string()])) as ArrayRef;
                    Frame::new([("error", text)])
                }),
        ];
        results.into_iter().collect::<Result<Vec<Frame>, _>>()?
    }};
}

fn equal() -> Outcome {
    let expected = all!(&Serial);
    assert!(expected.iter().all(|frame| frame.num_rows() > 0));
    // Fork comes first: it refuses to run beside other threads.
    #[cfg(target_os = "linux")]
    assert_eq!(
        all!(&partools_fork::Fork::new().workers(2)),
        expected,
        "fork"
    );
    assert_eq!(all!(&Loopback), expected, "loopback");
    assert_eq!(all!(&Threads::new().workers(3)), expected, "threads");
    Ok(())
}

fn shared() -> Outcome {
    let frame = frame();
    let weights = [0.5, 0.25, 2.0, 4.0];
    let job = frame
        .group_by(["month"])
        .shared(weights.as_slice())
        .apply(|group, weights| {
            Ok(weights[group.index()] * group.valid::<f64>("delay")?.iter().sum::<f64>())
        });
    let expected = job.run(&Serial)?;
    #[cfg(target_os = "linux")]
    assert_eq!(
        job.run(&partools_fork::Fork::new().workers(2))?,
        expected,
        "fork"
    );
    assert_eq!(job.run(&Loopback)?, expected, "loopback");
    assert_eq!(job.run(&Threads::new().workers(2))?, expected, "threads");
    Ok(())
}

fn series() -> Outcome {
    let array: Float64Array = (0..5000)
        .map(|i| (i % 7 != 0).then_some(f64::from(i)))
        .collect();
    let table = [1.0, 10.0, 100.0];
    let plain = partools_frame::series_apply(&array, |x| format!("{x}"));
    let shared = partools_frame::series_apply_shared(&array, table.as_slice(), |x, table| {
        Ok((x > 9.0).then_some(x * table[2]))
    });
    let expected = (plain.run(&Serial)?, shared.run(&Serial)?);
    assert_eq!(expected.0.null_count(), 715, "nulls are handed on");
    assert_eq!(expected.1.null_count(), 715 + 8);
    #[cfg(target_os = "linux")]
    {
        let fork = partools_fork::Fork::new().workers(2);
        assert_eq!((plain.run(&fork)?, shared.run(&fork)?), expected, "fork");
    }
    let threads = Threads::new().workers(2);
    assert_eq!(
        (plain.run(&threads)?, shared.run(&threads)?),
        expected,
        "threads"
    );
    Ok(())
}

#[cfg(target_os = "linux")]
fn crashing() -> Outcome {
    let frame = frame();
    let job = frame.group_by(["origin", "month"]).apply(|group| {
        if group.key().text("origin")? == Some("JFK")
            && group.key().value::<i32>("month")? == Some(2)
        {
            std::process::abort();
        }
        Ok(group.len())
    });
    let fork = partools_fork::Fork::new().workers(2);
    let part = job.try_run(&fork)?;
    let texts: Vec<String> = part.failures().iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        ["group (origin = \"JFK\", month = 2): had its worker process killed by SIGABRT"]
    );
    assert_eq!(part.frame().num_rows(), 11);
    let error = job.run(&fork).unwrap_err().to_string();
    assert_eq!(error, texts[0]);
    Ok(())
}

#[cfg(target_os = "linux")]
fn capturing() -> Outcome {
    let frame = frame();
    let factor = std::rc::Rc::new(3.0);
    let job = frame
        .group_by(["origin"])
        .apply(|group| *factor * group.len() as f64);
    let counts = job.run(&partools_fork::Fork::new().workers(2))?;
    assert_eq!(counts.values::<f64>("value")?, [1200.0, 1200.0, 600.0]);
    Ok(())
}

/// The original sorted the caller's frame in place.
fn unchanged() -> Outcome {
    let before = frame();
    let frame = before.clone();
    all!(&Serial);
    let sorted = frame
        .group_by(["origin"])
        .apply(|group| group.len())
        .run(&Serial)?;
    assert_eq!(sorted.num_rows(), 3);
    assert_eq!(frame, before);
    Ok(())
}
