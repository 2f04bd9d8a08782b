//! The db-benchmark's questions as arbitrary closures: polars' `group_by().apply`, which works on one thread, beside ours on
//! two; and what polars has built in, on as many threads.
//!
//! ```text
//! POLARS_MAX_THREADS=2 cargo bench                    1e7 rows: some 8 GB
//! POLARS_MAX_THREADS=2 cargo bench -- --rows 1e6
//! ```
//! Contenders take turns in one process, three rounds. Grouping counts. Results are compared, as sums.
#![allow(clippy::print_stdout, reason = "a bench reports")]

#[allow(dead_code, reason = "this bench needs some of it")]
#[path = "../../benches/benches/groupby/g1.rs"]
mod g1;
#[allow(dead_code, reason = "this bench needs some of it")]
#[path = "../../benches/benches/groupby/works.rs"]
mod works;

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
    let table = g1::table(rows as usize);
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
        [
            ("polars, its threads", &mut || {
                groups(&by_two, &["id2", "id4"])
            }),
            ("ours, 2 threads", &mut || {
                ours(&table, &["id2", "id4"], |group| group.len() as u64)
            }),
        ],
    );
    race(
        "grouping, texts",
        [
            ("polars, its threads", &mut || groups(&by_text, &["id3"])),
            ("ours, 2 threads", &mut || {
                ours(&table, &["id3"], |group| group.len() as u64)
            }),
        ],
    );
    race(
        "q3",
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
                medians.expect("medians").height()
            }),
            ("ours, 2 threads", &mut || {
                ours(&table, &["id4", "id5"], works::median_and_deviation)
            }),
        ],
    );
    race(
        "q8",
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
        [
            ("polars, apply", &mut || apply(&nine, &["id2", "id4"], q9)),
            ("ours, 2 threads", &mut || {
                ours(&table, &["id2", "id4"], works::squared_correlation)
            }),
        ],
    );
}

/// Rounds by turns; all give the same number of rows.
fn race<const N: usize>(what: &str, mut contenders: [(&str, &mut dyn FnMut() -> usize); N]) {
    let mut times = vec![Vec::new(); N];
    let mut rows = None;
    for round in 0..=ROUNDS {
        for (at, (name, work)) in contenders.iter_mut().enumerate() {
            let begun = Instant::now();
            let found = black_box(work());
            let took = begun.elapsed();
            assert_eq!(*rows.get_or_insert(found), found, "{what}: rows of {name}");
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
    println!("{what}: {} rows", rows.unwrap_or(0));
    for ((name, _), median) in contenders.iter().zip(&medians) {
        let ratio = median.as_secs_f64() / ours.as_secs_f64();
        println!(
            "    {name:20} {:9.1} ms  {ratio:6.2} of ours",
            median.as_secs_f64() * 1e3
        );
    }
}

fn groups(frame: &DataFrame, keys: &[&str]) -> usize {
    frame
        .group_by(keys.iter().copied())
        .expect("groups")
        .get_groups()
        .len()
}

fn apply(frame: &DataFrame, keys: &[&str], f: fn(&DataFrame) -> PolarsResult<DataFrame>) -> usize {
    let groups = frame.group_by(keys.iter().copied()).expect("groups");
    groups.apply(|group| f(&group)).expect("a result").height()
}

fn ours<F, R>(table: &Frame, keys: &[&str], f: F) -> usize
where
    F: for<'a, 'g> Fn(&'a Group<'g>) -> R + Copy + Sync,
    R: Output,
    Threads: for<'t> Executor<GroupTask<'t, NoShared, Alone<F, R>>>,
{
    let job = table.group_by(keys.iter().copied()).apply(f);
    job.run(&Threads::new().workers(2))
        .expect("a result")
        .num_rows()
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
        ("std", deviation.into_iter().collect()),
    ])
}

fn q8(group: &DataFrame) -> PolarsResult<DataFrame> {
    row(vec![("largest", works::largest_two_of(v3(group)?))])
}

fn q9(group: &DataFrame) -> PolarsResult<DataFrame> {
    let (v1, v2) = (group.column("v1")?.i32()?, group.column("v2")?.i32()?);
    let squared = works::squared_correlation_of(v1.cont_slice()?, v2.cont_slice()?);
    row(vec![("r2", vec![squared.unwrap_or(f64::NAN)])])
}
