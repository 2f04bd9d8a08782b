//! The db-benchmark's questions as arbitrary closures: polars' `group_by().apply`, which works on one thread, beside ours on
//! two; and what polars has built in, on as many threads.
//!
//! ```text
//! POLARS_MAX_THREADS=2 cargo bench                    1e7 rows: some 8 GB
//! POLARS_MAX_THREADS=2 cargo bench -- --rows 1e6
//! ```
//! Contenders take turns in one process, three rounds. Grouping counts. Results are compared: how many rows, and the sum of
//! each column (of what is grouped alone, the sum of the squared sizes); for 1e7 rows also with what the benchmark publishes.
#![allow(clippy::print_stdout, reason = "a bench reports")]

#[allow(dead_code, reason = "this bench needs some of it")]
#[path = "../../benches/benches/groupby/g1.rs"]
mod g1;
#[allow(dead_code, reason = "this bench needs some of it")]
#[path = "../../benches/benches/groupby/works.rs"]
mod works;

use arrow_array::ArrayRef;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use partools_core::{Executor, NoShared};
use partools_frame::{Alone, Frame, Group, GroupTask, Output};
use partools_polars::to_polars;
use partools_threads::Threads;
use polars_core::prelude::*;
use std::hint::black_box;
use std::time::{Duration, Instant};

const ROUNDS: usize = 3;

fn main() {
    let mut words = std::env::args().skip_while(|word| word != "--rows").skip(1);
    let rows = words
        .next()
        .map_or(1e7, |rows| rows.parse::<f64>().expect("a number of rows"));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number of rows"
    )]
    let rows = rows as usize;
    let table = g1::table(rows);
    let polars = to_polars(table.batch()).expect("types that polars has");
    // Its own `group_by().apply` is the peer; with columns that it would not look at left out, as anyone would.
    let pick = |names: &[&str]| {
        let columns = names
            .iter()
            .map(|name| polars.column(name).expect("a column").clone());
        DataFrame::new(polars.height(), columns.collect()).expect("columns of one length")
    };

    println!(
        "{} rows, {} threads of polars'",
        table.num_rows(),
        polars_config::config().max_threads()
    );
    let (by_two, by_text) = (pick(&["id2", "id4"]), pick(&["id3"]));
    race(
        "grouping, two keys",
        rows,
        [
            ("polars, its threads", &mut || {
                groups(&by_two, &["id2", "id4"])
            }),
            ("ours, 2 threads", &mut || {
                ours(&table, &["id2", "id4"], |group| {
                    (group.len() as f64).powi(2)
                })
            }),
        ],
    );
    race(
        "grouping, texts",
        rows,
        [
            ("polars, its threads", &mut || groups(&by_text, &["id3"])),
            ("ours, 2 threads", &mut || {
                ours(&table, &["id3"], |group| (group.len() as f64).powi(2))
            }),
        ],
    );
    race(
        "q3",
        rows,
        [
            ("polars, apply", &mut || {
                apply(&pick(&["id3", "v1", "v3"]), &["id3"], q3)
            }),
            ("ours, 2 threads", &mut || {
                ours(&table, &["id3"], works::sum_and_mean)
            }),
        ],
    );
    let six = pick(&["id4", "id5", "v3"]);
    race(
        "q6",
        rows,
        [
            ("polars, apply", &mut || apply(&six, &["id4", "id5"], q6)),
            ("polars, built in", &mut || {
                #[allow(
                    deprecated,
                    reason = "what polars-core has for it without the lazy engine"
                )]
                let medians = six
                    .group_by(["id4", "id5"])
                    .and_then(|groups| groups.select(["v3"]).median());
                found(&medians.expect("medians"), 2)
            }),
            ("ours, 2 threads", &mut || {
                ours(&table, &["id4", "id5"], works::median_and_deviation)
            }),
        ],
    );
    race(
        "q8",
        rows,
        [
            ("polars, apply", &mut || {
                apply(&pick(&["id6", "v3"]), &["id6"], q8)
            }),
            ("ours, 2 threads", &mut || {
                ours(&table, &["id6"], works::largest_two)
            }),
        ],
    );
    let nine = pick(&["id2", "id4", "v1", "v2"]);
    race(
        "q9",
        rows,
        [
            ("polars, apply", &mut || apply(&nine, &["id2", "id4"], q9)),
            ("ours, 2 threads", &mut || {
                ours(&table, &["id2", "id4"], works::squared_correlation)
            }),
        ],
    );
}

/// What came out: how many rows, and the sum of each column that was asked for.
#[derive(Debug, Clone)]
struct Found {
    rows: usize,
    sums: Vec<f64>,
}

impl Found {
    /// Equal but for the order in which floats were added; what is built in gives the first column alone.
    fn agrees(&self, other: &Found) -> bool {
        let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-9 * a.abs().max(1.0);
        let columns = self.sums.len().min(other.sums.len());
        columns > 0 && self.rows == other.rows && self.sums.iter().zip(&other.sums).all(close)
    }

    /// The last contender's sums are those that the benchmark publishes, where it does for these rows.
    fn assert_published(&self, question: &str, of_rows: usize) {
        if of_rows != 10_000_000 {
            return;
        }
        for ((_, published), sum) in works::published(question).iter().zip(&self.sums) {
            assert_eq!(&format!("{sum:.3}"), published, "{question}");
        }
    }
}

/// Rounds by turns; all give the same.
fn race<const N: usize>(
    what: &str,
    of_rows: usize,
    mut contenders: [(&str, &mut dyn FnMut() -> Found); N],
) {
    let mut times = vec![Vec::new(); N];
    let mut first: Option<Found> = None;
    for round in 0..=ROUNDS {
        for (at, (name, work)) in contenders.iter_mut().enumerate() {
            let begun = Instant::now();
            let found = black_box(work());
            let took = begun.elapsed();
            let expected = first.get_or_insert_with(|| found.clone());
            assert!(
                found.agrees(expected),
                "{what}: {name} gives {found:?}, and not {expected:?}"
            );
            if at + 1 == N {
                found.assert_published(what, of_rows);
            }
            if round > 0 {
                times[at].push(took);
            }
        }
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2]
    };
    let medians: Vec<Duration> = times.iter_mut().map(median).collect();
    let ours = medians[N - 1];
    println!("{what}: {} rows", first.map_or(0, |found| found.rows));
    for ((name, _), median) in contenders.iter().zip(&medians) {
        let ratio = median.as_secs_f64() / ours.as_secs_f64();
        println!(
            "    {name:20} {:9.1} ms  {ratio:6.2} of ours",
            median.as_secs_f64() * 1e3
        );
    }
}

fn groups(frame: &DataFrame, keys: &[&str]) -> Found {
    let groups = frame.group_by(keys.iter().copied()).expect("groups");
    let sizes = groups.get_groups().iter().map(|group| group.len() as f64);
    Found {
        rows: groups.get_groups().len(),
        sums: vec![sizes.map(|size| size * size).sum()],
    }
}

fn apply(frame: &DataFrame, keys: &[&str], f: fn(&DataFrame) -> PolarsResult<DataFrame>) -> Found {
    let groups = frame.group_by(keys.iter().copied()).expect("groups");
    found(&groups.apply(|group| f(&group)).expect("a result"), 0)
}

/// The sums of all columns behind the keys.
fn found(result: &DataFrame, keys: usize) -> Found {
    let sum = |column: &Column| -> f64 {
        let floats = column.f64().expect("floats").iter().flatten();
        floats.filter(|value| !value.is_nan()).sum()
    };
    Found {
        rows: result.height(),
        sums: result.columns()[keys..].iter().map(sum).collect(),
    }
}

fn ours<F, R>(table: &Frame, keys: &[&str], f: F) -> Found
where
    F: for<'a, 'g> Fn(&'a Group<'g>) -> R + Copy + Sync,
    R: Output,
    Threads: for<'t> Executor<GroupTask<'t, NoShared, Alone<F, R>>>,
{
    let job = table.group_by(keys.iter().copied()).apply(f);
    let result = job.run(&Threads::new().workers(2)).expect("a result");
    let sum = |column: &ArrayRef| -> f64 {
        match column.as_primitive_opt::<Int64Type>() {
            Some(integers) => integers.iter().flatten().map(|value| value as f64).sum(),
            None => column.as_primitive::<Float64Type>().iter().flatten().sum(),
        }
    };
    Found {
        rows: result.num_rows(),
        sums: result.batch().columns()[keys.len()..]
            .iter()
            .map(sum)
            .collect(),
    }
}

/// The columns of a group as slices.
fn v3(group: &DataFrame) -> PolarsResult<&[f64]> {
    group.column("v3")?.f64()?.cont_slice()
}

fn row(columns: Vec<(&str, Vec<f64>)>) -> PolarsResult<DataFrame> {
    let columns = columns
        .into_iter()
        .map(|(name, values)| Column::new(name.into(), values));
    DataFrame::new_infer_height(columns.collect())
}

/// As `works::sum_and_mean`; likewise the next ones.
fn q3(group: &DataFrame) -> PolarsResult<DataFrame> {
    let sum: i64 = group
        .column("v1")?
        .i32()?
        .cont_slice()?
        .iter()
        .copied()
        .map(i64::from)
        .sum();
    let v3 = v3(group)?;
    row(vec![
        ("sum", vec![sum as f64]),
        ("mean", vec![v3.iter().sum::<f64>() / v3.len() as f64]),
    ])
}

fn q6(group: &DataFrame) -> PolarsResult<DataFrame> {
    let mut v3 = v3(group)?.to_vec();
    let (median, deviation) = works::median_and_deviation_of(&mut v3);
    row(vec![
        ("median", vec![median]),
        ("std", vec![deviation.unwrap_or(f64::NAN)]),
    ])
}

fn q8(group: &DataFrame) -> PolarsResult<DataFrame> {
    row(vec![("largest", works::largest_two_of(v3(group)?))])
}

fn q9(group: &DataFrame) -> PolarsResult<DataFrame> {
    let (v1, v2) = (group.column("v1")?.i32()?, group.column("v2")?.i32()?);
    let squared = works::squared_correlation_of(v1.cont_slice()?, v2.cont_slice()?);
    row(vec![("r2", squared.into_iter().collect())])
}
