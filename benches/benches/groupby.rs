//! Functions over groups, on every local executor: the db-benchmark's questions as arbitrary closures, real flights, skewed
//! groups, many groups.
//!
//! ```text
//! cargo bench -p partools-bench --bench groupby                           1e7 rows: minutes, and 8 GB
//! cargo bench -p partools-bench --bench groupby -- --rows 1e6 --only q9   less
//! cargo bench -p partools-bench --bench groupby -- --write g1.csv         the table, for peers/groupby.py
//! ```
//! Contenders take turns in one process, and each result is compared with the serial one, and with what is published for 1e7
//! rows. Grouping counts: it is done anew by every run.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench reports")]

#[path = "groupby/g1.rs"]
mod g1;
#[path = "groupby/memory.rs"]
mod memory;
#[path = "groupby/tables.rs"]
mod tables;
#[path = "groupby/works.rs"]
mod works;

use arrow_array::Array;
use partools_bench::{Turn, take_turns};
use partools_core::{Executor, Serial};
use partools_fork::Fork;
use partools_frame::{Alone, Frame, Group, GroupTask, Output};
use partools_threads::Threads;

const WORKERS: usize = 2;

/// What to run.
struct Asked {
    rows: usize,
    rounds: usize,
    only: String,
    write: Option<String>,
}

impl Asked {
    /// Unknown words are left alone: cargo adds some of its own.
    fn read() -> Self {
        let mut asked = Asked {
            rows: 10_000_000,
            rounds: 3,
            only: String::new(),
            write: None,
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--rows" => asked.rows = number(words.next()),
                "--rounds" => asked.rounds = number(words.next()),
                "--only" => asked.only = words.next().unwrap_or_default(),
                "--write" => asked.write = words.next(),
                _ => {}
            }
        }
        asked
    }

    fn wants(&self, name: &str) -> bool {
        name.contains(&self.only)
    }
}

/// `1e6` is a number of rows, too.
fn number(word: Option<String>) -> usize {
    let number = word.and_then(|word| word.parse::<f64>().ok());
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number of rows or rounds"
    )]
    let number = number.expect("a number behind --rows or --rounds") as usize;
    number
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    if let [_, word, pid] = &words[..]
        && word == memory::WATCH
    {
        memory::watch(pid.parse().expect("a process")).expect("the one that asked reads");
        return;
    }
    let asked = Asked::read();
    if let Some(path) = &asked.write {
        tables::write(&g1::table(asked.rows), path).expect("the table could not be written");
        return;
    }
    if ["count", "q3", "q6", "q8", "q9", "q10"]
        .iter()
        .any(|name| asked.wants(name))
    {
        let table = g1::table(asked.rows);
        let two = ["id2", "id4"];
        work(&asked, "count/2 keys", &table, &two, &[], |group| {
            group.len()
        });
        work(&asked, "count/texts", &table, &["id3"], &[], |group| {
            group.len()
        });
        let both = ["v1", "v3"];
        work(&asked, "q3", &table, &["id3"], &both, works::sum_and_mean);
        let integers = ["id4", "id5"];
        work(
            &asked,
            "q6",
            &table,
            &integers,
            &["v3"],
            works::median_and_deviation,
        );
        work(&asked, "q8", &table, &["id6"], &["v3"], works::largest_two);
        work(
            &asked,
            "q9",
            &table,
            &two,
            &["v1", "v2"],
            works::squared_correlation,
        );
        let all = ["id1", "id2", "id3", "id4", "id5", "id6"];
        work(&asked, "q10", &table, &all, &["v3"], works::sum_and_count);
    }
    if asked.wants("skewed") {
        let table = tables::skewed(asked.rows);
        work(
            &asked,
            "skewed",
            &table,
            &["k"],
            &["v3"],
            works::sum_and_count,
        );
    }
    if asked.wants("many") {
        let table = tables::many(asked.rows / 10);
        work(
            &asked,
            "many",
            &table,
            &["k"],
            &["v3"],
            works::sum_and_count,
        );
    }
    if asked.wants("flights") {
        let table = tables::flights();
        let delays = ["dep_delay", "arr_delay"];
        work(
            &asked,
            "flights/carrier",
            &table,
            &["carrier"],
            &delays,
            works::slope,
        );
        work(
            &asked,
            "flights/tailnum",
            &table,
            &["tailnum"],
            &delays,
            works::slope,
        );
        work(
            &asked,
            "flights/pair",
            &table,
            &["origin", "dest"],
            &delays,
            works::slope,
        );
    }
}

/// Times `f`, which looks at the columns `used`, over the groups of `table` by `keys`.
fn work<F, R>(asked: &Asked, name: &str, table: &Frame, keys: &[&str], used: &[&str], f: F)
where
    F: for<'a, 'g> Fn(&'a Group<'g>) -> R + Copy + Sync,
    R: Output,
    Serial: for<'t> Executor<GroupTask<'t, partools_core::NoShared, Alone<F, R>>>,
    Threads: for<'t> Executor<GroupTask<'t, partools_core::NoShared, Alone<F, R>>>,
    Fork: for<'t> Executor<GroupTask<'t, partools_core::NoShared, Alone<F, R>>>,
{
    if !asked.wants(name) {
        return;
    }
    let job = table.group_by(keys.iter().copied()).apply(f);
    let (threads, fork) = (
        Threads::new().workers(WORKERS),
        Fork::new().workers(WORKERS),
    );
    let expected = job.run(&Serial).expect("serial");
    if asked.rows == 10_000_000 {
        for (column, sum) in works::published(name) {
            assert_eq!(
                &format!("{:.3}", works::total(&expected, column)),
                sum,
                "{name}"
            );
        }
    }
    let rows = table.num_rows();
    let groups = table
        .group_by(keys.iter().copied())
        .apply(|_| true)
        .run(&Serial)
        .expect("keys");
    println!(
        "{name}: {rows} rows, {} groups, {} rounds",
        groups.num_rows(),
        asked.rounds
    );
    assert!(
        job.run(&fork).expect("fork") == expected,
        "{name}: Fork differs"
    );
    assert!(
        job.run(&threads).expect("threads") == expected,
        "{name}: Threads differs"
    );
    drop((expected, groups));
    let columns = keys.iter().chain(used);
    let columns = columns.map(|name| {
        table
            .column(name)
            .expect("a column")
            .get_array_memory_size()
    });
    let columns = columns.sum::<usize>() as f64;
    let peak = |on: &str, added: Option<f64>| {
        let Some(added) = added else {
            println!("    peak on {on}: this system does not tell");
            return;
        };
        let times = (columns + added) / columns;
        println!(
            "    peak on {on}: {:.0} MB beside {:.0} MB of columns: {times:.2} times these",
            added / 1e6,
            columns / 1e6
        );
    };
    let on_threads = memory::added_by(|| drop(job.run(&threads).expect("threads")));
    peak("Threads", on_threads);
    let on_fork = memory::added_with_children(|| drop(job.run(&fork).expect("fork")));
    peak("Fork", on_fork);
    let mut turns = [
        Turn::whole("Serial", || job.run(&Serial).expect("serial")),
        Turn::whole("Threads, 2 workers", || job.run(&threads).expect("threads")),
        Turn::whole("Fork, 2 workers", || job.run(&fork).expect("fork")),
    ];
    let outcomes = take_turns(&mut turns, asked.rounds, 1);
    for (turn, outcome) in turns.iter().zip(outcomes) {
        let ms = outcome.median_ns / 1e6;
        println!(
            "    {:20} {ms:10.1} ms   {:6.3} of Serial",
            turn.name, outcome.ratio
        );
    }
}
