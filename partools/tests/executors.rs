//! Names of executors, and one map through each of them. On the main thread, one after the other: `Fork`
//! refuses to run beside other threads, so what starts a pool comes last.

use libtest_mimic::{Arguments, Failed, Trial};
use partools::{AnyExecutor, AnyPortable, ParseExecutorError, over};
use std::panic::{catch_unwind, resume_unwind};
use std::process::ExitCode;
use std::sync::{Arc, Barrier};

const FORK: bool = cfg!(all(feature = "fork", target_os = "linux"));

fn main() -> ExitCode {
    // Workers of `ipc` are this program, started again.
    #[cfg(target_os = "linux")]
    partools::init();
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let trials = vec![
        Trial::test(
            "names_are_read_and_written_back",
            names_are_read_and_written_back,
        ),
        Trial::test(
            "case_and_space_around_do_not_matter",
            case_and_space_do_not_matter,
        ),
        Trial::test(
            "what_names_nothing_is_an_error",
            what_names_nothing_is_an_error,
        ),
        Trial::test(
            "an_error_lists_every_name_that_parses",
            errors_list_what_parses,
        ),
        Trial::test(
            "fork_is_in_the_list_only_where_it_exists",
            fork_where_it_exists,
        ),
        Trial::test(
            "the_number_reaches_the_executor",
            the_number_reaches_the_executor,
        ),
        Trial::test("map_gives_outputs_in_order", map_gives_outputs_in_order),
        Trial::test(
            "map_unwinds_with_the_lowest_items_own_payload",
            map_unwinds_with_own_payload,
        ),
        Trial::test(
            "map_takes_outputs_that_are_not_portable",
            map_takes_any_output,
        ),
        Trial::test("threads_then_fork_are_never_refused", threads_then_fork)
            .with_ignored_flag(!FORK),
        Trial::test(
            "every_executor_gives_the_same_bits",
            every_executor_gives_the_same,
        ),
        Trial::test(
            "fork_refuses_beside_a_rayon_pool",
            fork_refuses_beside_rayon,
        )
        .with_ignored_flag(!FORK),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

type Outcome = Result<(), Failed>;

/// Every name of this build, with 3 for N.
fn names() -> Vec<String> {
    AnyPortable::names()
        .map(|name| name.replace('N', "3"))
        .collect()
}

fn names_are_read_and_written_back() -> Outcome {
    for name in names() {
        assert_eq!(name.parse::<AnyPortable>()?.to_string(), name);
    }
    for name in AnyExecutor::names() {
        let name = name.replace('N', "3");
        assert_eq!(name.parse::<AnyExecutor>()?.to_string(), name);
    }
    Ok(())
}

fn case_and_space_do_not_matter() -> Outcome {
    assert_eq!(
        " Threads:4\n".parse::<AnyExecutor>()?.to_string(),
        "threads:4"
    );
    assert_eq!("SERIAL".parse::<AnyExecutor>()?.to_string(), "serial");
    assert_eq!(
        "threads:007".parse::<AnyExecutor>()?.to_string(),
        "threads:7"
    );
    Ok(())
}

fn what_names_nothing_is_an_error() -> Outcome {
    for (text, why) in [
        ("", "no executor has this name"),
        ("treads:4", "no executor has this name"),
        ("threads 4", "no executor has this name"),
        ("threads :4", "no executor has this name"),
        (":4", "no executor has this name"),
        ("threads:", "\"\" is no number of workers"),
        ("threads:0", "0 workers can do nothing"),
        ("threads:000", "0 workers can do nothing"),
        ("threads:-1", "\"-1\" is no number of workers"),
        ("threads:+4", "\"+4\" is no number of workers"),
        ("threads: 4", "\" 4\" is no number of workers"),
        ("threads:2.5", "\"2.5\" is no number of workers"),
        ("threads:4:4", "\"4:4\" is no number of workers"),
        ("threads:many", "\"many\" is no number of workers"),
        (
            "threads:99999999999999999999",
            "99999999999999999999 workers are more",
        ),
        ("serial:3", "serial has one worker"),
        ("loopback", "loopback runs portable tasks alone"),
        (
            "rayon:4",
            "rayon's global pool has its own number of threads",
        ),
    ] {
        let error: ParseExecutorError = text.parse::<AnyExecutor>().expect_err(text);
        let begin = format!("executor {text:?}: {why}");
        assert!(
            error.to_string().starts_with(&begin),
            "{error}\nshould begin\n{begin}"
        );
    }
    Ok(())
}

fn errors_list_what_parses() -> Outcome {
    let error = "nothing"
        .parse::<AnyExecutor>()
        .expect_err("no such executor")
        .to_string();
    let (_, list) = error.split_once("there are ").ok_or("no list")?;
    let listed: Vec<_> = list.trim_end_matches(" (N workers)").split(", ").collect();
    assert_eq!(listed, AnyExecutor::names().collect::<Vec<_>>());
    let error = "nothing"
        .parse::<AnyPortable>()
        .expect_err("no such executor")
        .to_string();
    assert!(error.contains(", loopback (N workers)"), "{error}");
    Ok(())
}

fn fork_where_it_exists() -> Outcome {
    assert_eq!(AnyExecutor::names().any(|name| name == "fork:N"), FORK);
    match "fork:2".parse::<AnyExecutor>() {
        Ok(fork) => assert_eq!((FORK, fork.to_string().as_str()), (true, "fork:2")),
        Err(error) => assert!(
            !FORK && error.to_string().contains("fork is not in this build"),
            "{error}"
        ),
    }
    Ok(())
}

fn the_number_reaches_the_executor() -> Outcome {
    // Three items that wait for each other: three workers, or a hang.
    let barrier = Barrier::new(3);
    let all = over(0..3)
        .map(|_| barrier.wait().is_leader())
        .run(&"threads:3".parse::<AnyExecutor>()?)?;
    assert_eq!(all.iter().filter(|&&leads| leads).count(), 1);
    Ok(())
}

fn map_gives_outputs_in_order() -> Outcome {
    let numbers: Vec<u64> = (0..10_000).collect();
    assert_eq!(
        partools::map(&numbers, |n| n * 3),
        numbers.iter().map(|n| n * 3).collect::<Vec<_>>()
    );
    assert!(partools::map(0..0, |i| i).is_empty());
    Ok(())
}

fn map_unwinds_with_own_payload() -> Outcome {
    let map = || {
        partools::map(0..1_000, |i| {
            if i % 100 == 7 {
                resume_unwind(Box::new(i))
            } else {
                i
            }
        })
    };
    let payload = catch_unwind(map).expect_err("it unwinds");
    assert_eq!(payload.downcast_ref::<usize>(), Some(&7));
    Ok(())
}

fn map_takes_any_output() -> Outcome {
    let arcs = partools::map(0..100, Arc::new);
    assert!(
        arcs.iter()
            .enumerate()
            .all(|(i, arc)| **arc == i && Arc::strong_count(arc) == 1)
    );
    Ok(())
}

fn every_executor_gives_the_same() -> Outcome {
    let thirds: Vec<f64> = (0..100_000).map(|i| f64::from(i) / 3.0).collect();
    let sections: Vec<_> = (0..100).map(|k| k * 1_000..(k + 1) * 1_000).collect();
    let job = over(&sections)
        .shared(thirds.as_slice())
        .map(|section, thirds| thirds[section.clone()].iter().sum::<f64>().to_bits());
    let expected = job.run(&partools::Serial)?;
    let mut names = names();
    // It starts a pool, beside which nothing forks any more.
    names.sort_by_key(|name| name == "rayon");
    for name in names {
        assert_eq!(job.run(&name.parse::<AnyPortable>()?)?, expected, "{name}");
        if let Ok(any) = name.parse::<AnyExecutor>() {
            assert_eq!(job.run(&any)?, expected, "{name}");
        }
    }
    Ok(())
}

fn threads_then_fork() -> Outcome {
    let (threads, fork): (AnyExecutor, AnyExecutor) = ("threads:4".parse()?, "fork:2".parse()?);
    let job = over(0..10).map(|i| i);
    for round in 0..300 {
        job.run(&threads)?;
        job.run(&fork)
            .map_err(|error| format!("round {round}: {error}"))?;
    }
    Ok(())
}

fn fork_refuses_beside_rayon() -> Outcome {
    over(0..10)
        .map(|i| i)
        .run(&"rayon".parse::<AnyExecutor>()?)?;
    let fork: AnyExecutor = "fork:2".parse()?;
    let error = over(0..10)
        .map(|i| i)
        .run(&fork)
        .expect_err("pool threads live");
    assert!(error.is_refused(), "{error}");
    Ok(())
}
