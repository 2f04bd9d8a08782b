//! Equal results everywhere, and groups that crash are named. It forks, so that it runs on the main thread.

use arrow_array::*;
use libtest_mimic::{Arguments, Failed, Trial};
use partools_core::{Loopback, Report, Serial};
use partools_frame::{Frame, FrameError, Nulls, agg, series_apply, series_apply_shared};
use partools_threads::{Rayon, Threads};
use rand::RngExt;
use std::cell::RefCell;
use std::process::ExitCode;
use std::sync::Arc;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    partools_ipc::init();
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let trials = vec![
        Trial::test(
            "every_operation_gives_equal_results_on_every_executor",
            equal,
        ),
        Trial::test("large_groups_are_begun_first", biggest),
        Trial::test(
            "observers_see_groups_and_a_state_that_fails_is_the_maps_error",
            looking_on,
        ),
        #[cfg(target_os = "linux")]
        Trial::test(
            "a_group_that_crashes_is_named_and_no_other_is_lost",
            crashing,
        ),
        #[cfg(target_os = "linux")]
        Trial::test("a_closure_may_capture_what_it_likes_under_fork", capturing),
        Trial::test("and_so_they_do_in_a_rayon_pool", equal_in_a_pool),
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

const WEIGHTS: [f64; 12] = [
    0.5, 0.25, 2.0, 4.0, 1.0, 0.0, -1.0, 8.0, 0.125, 3.0, 5.0, 6.0,
];

fn sum(values: &[f64]) -> f64 {
    values.iter().sum()
}

/// Every operation, with every kind of closure and of result.
macro_rules! all {
    ($executor:expr) => {{
        let executor = $executor;
        let frame = frame();
        let by = || frame.group_by(["origin", "month"]);
        let weighted = || by().shared(WEIGHTS.as_slice());
        let results: Vec<Result<Frame, FrameError>> = vec![
            by().apply(|group| Ok(sum(group.valid::<f64>("delay")?)))
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
            weighted()
                .apply(|group, weights| {
                    Ok(weights[group.index()] * sum(group.valid::<f64>("delay")?))
                })
                .run(executor),
            by().seed(7)
                .state(|_| 10_usize)
                .apply_cx(|group, cx| (cx.rng().random::<u32>(), *cx.state + group.len(), cx.index))
                .run(executor),
            weighted()
                .try_state(|_| "2.5".parse::<f64>())
                .apply_cx(|_, cx| cx.shared[cx.index] * *cx.state)
                .run(executor),
            by().transform(|group| {
                Ok(group
                    .valid::<f64>("delay")?
                    .iter()
                    .copied()
                    .reduce(f64::min))
            })
            .run(executor),
            by().dropna(false)
                .transform(|group| Ok(group.rows().map(|row| row as i64).collect::<Vec<_>>()))
                .run(executor),
            by().transform_cx(|group, cx| (cx.index as f64, group.len()))
                .named(["number", "rows"])
                .run(executor),
            by().filter(|group| Ok(group.column::<i64>("flight")?[0] % 2 == 0))
                .run(executor),
            weighted()
                .filter(|group, weights| weights[group.index()] > 1.0)
                .run(executor),
            by().agg([
                agg::count("delay"),
                agg::max("flight"),
                agg::first("origin").named("o"),
            ])
            .and("range", |group| {
                let delays = group.valid::<f64>("delay")?.iter().copied();
                let most = delays.clone().reduce(f64::max);
                Ok(most
                    .zip(delays.reduce(f64::min))
                    .map(|(most, least)| most - least))
            })
            .and("key", |group| group.key().to_string())
            .run(executor),
        ];
        results.into_iter().collect::<Result<Vec<Frame>, _>>()?
    }};
}

macro_rules! series {
    ($executor:expr) => {{
        let executor = $executor;
        let array: Float64Array = (0..5000)
            .map(|i| (i % 7 != 0).then_some(f64::from(i)))
            .collect();
        let texts: StringArray = (0..50)
            .map(|i| (i % 7 != 0).then(|| i.to_string()))
            .collect();
        let columns: Vec<Result<ArrayRef, FrameError>> = vec![
            series_apply(&array, |x| format!("{x}")).run(executor),
            series_apply(&Nulls(&array), |x| x.is_none()).run(executor),
            series_apply(&texts, |text| Ok(text.parse::<i64>()?)).run(executor),
            series_apply_shared(&array, WEIGHTS.as_slice(), |x, table| {
                Ok((x > 9.0).then_some(x * table[2]))
            })
            .run(executor),
        ];
        columns.into_iter().collect::<Result<Vec<ArrayRef>, _>>()?
    }};
}

/// Fork comes first: it refuses to run beside other threads.
fn equal() -> Outcome {
    let expected = all!(&Serial);
    assert!(expected.iter().all(|frame| frame.num_rows() > 0));
    let columns = series!(&Serial);
    assert_eq!(columns[0].null_count(), 715, "nulls are handed on");
    assert_eq!(columns[3].null_count(), 715 + 8);
    #[cfg(target_os = "linux")]
    {
        let fork = partools_fork::Fork::new().workers(2);
        assert_eq!(all!(&fork), expected, "fork");
        assert_eq!(series!(&fork), columns, "fork");
        let ipc = partools_ipc::Ipc::new().workers(2);
        assert_eq!(all!(&ipc), expected, "ipc");
        assert_eq!(series!(&ipc), columns, "ipc");
    }
    assert_eq!(all!(&Loopback), expected, "loopback");
    assert_eq!(series!(&Loopback), columns, "loopback");
    let threads = Threads::new().workers(3);
    assert_eq!(all!(&threads), expected, "threads");
    assert_eq!(series!(&threads), columns, "threads");
    Ok(())
}

/// The last trial: the threads of a pool live on. One operation of each kind, since every other one is compiled for every
/// executor, which takes its time; where groups run is no business of theirs.
fn equal_in_a_pool() -> Outcome {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build()?;
    let rayon = Rayon::in_pool(&pool);
    let frame = frame();
    let by = || frame.group_by(["origin", "month"]);
    let applied = by().apply(|group| Ok(group.array("flight")?));
    assert_eq!(applied.run(&rayon)?, applied.run(&Serial)?);
    let repeated = by().transform(|group| group.len());
    assert_eq!(repeated.run(&rayon)?, repeated.run(&Serial)?);
    let kept = by().filter(|group| group.index() % 3 > 0);
    assert_eq!(kept.run(&rayon)?, kept.run(&Serial)?);
    let table = by().agg([agg::median("delay")]);
    assert_eq!(table.run(&rayon)?, table.run(&Serial)?);
    let flights = frame.column("flight")?.as_any();
    let flights: &Int64Array = flights.downcast_ref().ok_or("integers")?;
    let squares = series_apply(flights, |flight| flight * flight);
    assert_eq!(&squares.run(&rayon)?, &squares.run(&Serial)?);
    Ok(())
}

/// Groups that are large are begun first, so that the last one begun is a small one; the results stay in key order.
fn biggest() -> Outcome {
    let sizes = [1, 5, 2, 90, 1, 40];
    let keys = sizes
        .iter()
        .zip(0_i64..)
        .flat_map(|(&size, key)| std::iter::repeat_n(key, size));
    let keys: ArrayRef = Arc::new(Int64Array::from_iter_values(keys));
    let called = RefCell::new(Vec::new());
    let counts = Frame::new([("k", keys)])?.group_by(["k"]).apply(|group| {
        called.borrow_mut().push(group.index());
        group.len()
    });
    assert_eq!(
        counts.run(&Serial)?.values::<u64>("value")?,
        [1, 5, 2, 90, 1, 40]
    );
    assert_eq!(called.take(), [3, 5, 1, 2, 0, 4]);
    Ok(())
}

fn looking_on() -> Outcome {
    let report = Report::new();
    let frame = frame();
    let failed = frame
        .group_by(["origin", "month"])
        .observe(&report)
        .apply(|group| {
            assert!(group.index() != 3, "the fourth");
            group.len()
        });
    let part = failed.try_run(&Threads::new().workers(2))?;
    assert_eq!(part.failures().len(), 1);
    let summary = report.summary();
    assert_eq!((summary.finished, summary.failed), (12, 1));
    let never = frame
        .group_by(["origin"])
        .try_state(|_| "x".parse::<i32>())
        .apply_cx(|_, cx| *cx.state);
    let error = never.run(&Serial).unwrap_err();
    assert!(
        error
            .map_error()
            .is_some_and(partools_core::Error::is_start),
        "{error}"
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
    let error = job.run(&partools_ipc::Ipc::new().workers(2)).unwrap_err();
    assert_eq!(error.to_string(), texts[0]);
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
