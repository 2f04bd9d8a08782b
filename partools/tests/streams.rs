//! `fold` through every executor of this build, by name, with one to eight workers. On the main thread, one
//! trial after the other: `Fork` refuses to run beside other threads, so what starts a rayon pool comes last.

use libtest_mimic::{Arguments, Failed, Trial};
use partools::{AnyPortable, Chunks, Error, ItemError, over};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let tests: [(&str, Test); 3] = [
        ("a_fold_has_the_same_bits", same_bits),
        ("an_item_inside_a_block_is_named", names_items),
        (
            "an_item_inside_a_block_that_crashes_is_named",
            names_crashes,
        ),
    ];
    let mut names: Vec<String> = AnyPortable::names().collect();
    names.sort_by_key(|name| name.starts_with("rayon"));
    let mut trials = Vec::new();
    for name in names {
        let kind = name.trim_end_matches(":N").to_owned();
        // What can be asked for so many workers is.
        let Some(name) = name.ends_with(":N").then_some(name) else {
            if !AnyPortable::names().any(|other| other == format!("{kind}:N")) {
                trials.extend(tests.map(|(test, body)| trial(test, body, vec![kind.clone()])));
            }
            continue;
        };
        let workers = ["1", "2", "3", "8"].map(|count| name.replace('N', count));
        trials.extend(tests.map(|(test, body)| trial(test, body, workers.to_vec())));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

type Test = fn(&str, &AnyPortable) -> Outcome;
type Outcome = Result<(), Failed>;

fn trial(test: &str, body: Test, names: Vec<String>) -> Trial {
    let kind = names[0].split(':').next().unwrap_or_default().to_owned();
    let crashes = kind != "fork" && test.contains("crashes");
    let run = move || {
        for name in &names {
            body(name, &name.parse()?).map_err(|why| format!("{name}: {why:?}"))?;
        }
        Ok(())
    };
    // A crash of an item ends the host on all others.
    Trial::test(format!("{kind}::{test}"), run).with_ignored_flag(crashes)
}

fn term(i: usize) -> f64 {
    (i as f64 + 0.1).sqrt().sin()
}

fn same_bits(name: &str, on: &AnyPortable) -> Outcome {
    let policies = [
        Chunks::Auto,
        Chunks::Of(1),
        Chunks::Of(25),
        Chunks::PerWorker(1),
        Chunks::PerWorker(4),
        Chunks::Guided,
    ];
    for count in [0, 1, 1023, 1025, 50_003_usize] {
        // The documented blocks, in a plain loop.
        let block = count.div_ceil(1024).max(1);
        let blocks = (0..count).step_by(block).map(|at| {
            let items = at..count.min(at + block);
            items.fold(0.0, |sum, i| sum + term(i))
        });
        let expected = blocks.reduce(|left, right| left + right).unwrap_or(0.0);
        for chunks in policies {
            let job = over(0..count).chunk(chunks).map(term);
            let sum = job.fold(on, || 0.0, |sum, x| sum + x, |left, right| left + right)?;
            assert_eq!(
                sum.to_bits(),
                expected.to_bits(),
                "{name} {count} {chunks:?}"
            );
        }
    }
    // Items that travel.
    let words: Vec<String> = (0..3000).map(|i| i.to_string()).collect();
    let lengths = over(&words).map(|word| word.len());
    let total = lengths.fold(
        on,
        || 0,
        |sum, length| sum + length,
        |left, right| left + right,
    )?;
    assert_eq!(total, 10 + 2 * 90 + 3 * 900 + 4 * 2000, "{name}");
    Ok(())
}

fn blamed<T>(result: Result<T, Error>) -> Result<ItemError, Failed> {
    match result {
        Ok(_) => Err("it succeeded".into()),
        Err(error) => Ok(error.into_item()?),
    }
}

fn names_items(name: &str, on: &AnyPortable) -> Outcome {
    let job = over(0..20_000_usize).map(|i| {
        assert!(!matches!(i, 7_777 | 7_779 | 19_000), "no");
        i
    });
    let failure = blamed(job.fold(on, || 0, |sum, i| sum + i, |a, b| a + b))?;
    assert_eq!(failure.index(), 7_777, "{name}");
    let text = failure.to_string();
    assert!(
        text.starts_with("item 7777 panicked at ") && text.ends_with(": no"),
        "{text}"
    );
    Ok(())
}

fn names_crashes(name: &str, on: &AnyPortable) -> Outcome {
    let job = over(0..20_000_usize).map(|i| match i {
        7_777 | 15_000 => std::process::abort(),
        i => i,
    });
    let failure = blamed(job.fold(on, || 0, |sum, i| sum + i, |a, b| a + b))?;
    let text = failure.to_string();
    assert_eq!(
        text, "item 7777 had its worker process killed by SIGABRT",
        "{name}"
    );
    Ok(())
}
