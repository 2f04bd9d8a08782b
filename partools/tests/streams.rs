//! `fold` and `over_iter` through every executor of this build, by name, with one to eight workers. On the main thread, one
//! trial after the other: `Fork` refuses to run beside other threads, so what starts a rayon pool comes last.

use libtest_mimic::{Arguments, Failed, Trial};
use partools::{AnyPortable, Chunks, Error, ItemError, OnError, over, over_iter};
use std::cell::Cell;
use std::ops::ControlFlow;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Workers of `ipc` are this program, started again.
    #[cfg(target_os = "linux")]
    partools::init();
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let tests: [(&str, Test); 11] = [
        ("a_fold_has_the_same_bits", same_bits),
        ("an_item_inside_a_block_is_named", names_items),
        (
            "an_item_inside_a_block_that_crashes_is_named",
            names_crashes,
        ),
        ("a_stream_is_in_order_with_its_own_indices", in_order),
        ("a_break_ends_an_endless_stream", breaks),
        (
            "a_failing_item_of_a_stream_has_its_index",
            names_stream_items,
        ),
        ("a_stream_advances_its_iterator_here_alone", advances_here),
        (
            "persistent_workers_give_the_same_outputs_in_order",
            persistent_in_order,
        ),
        (
            "persistent_workers_end_with_an_endless_stream",
            persistent_break,
        ),
        (
            "a_failing_item_has_its_index_with_persistent_workers",
            persistent_names,
        ),
        (
            "an_item_that_crashes_is_named_with_persistent_workers",
            persistent_crashes,
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
    for (name, persistent) in [
        ("serial", false),
        ("threads:2", false),
        ("fork:2", false),
        ("fork:2", true),
    ] {
        let with = match persistent {
            true => "_with_persistent_workers",
            false => "",
        };
        let flat = Trial::test(
            format!("{name}::memory_is_flat_over_ten_million_items{with}"),
            move || flat(&name.parse()?, persistent),
        );
        let reads = cfg!(target_os = "linux") && (FORK || name != "fork:2");
        // In front of rayon's pool, beside which Fork refuses.
        trials.insert(0, flat.with_ignored_flag(!reads));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

type Test = fn(&str, &AnyPortable) -> Outcome;
const FORK: bool = cfg!(all(feature = "fork", target_os = "linux"));

type Outcome = Result<(), Failed>;

fn trial(test: &str, body: Test, names: Vec<String>) -> Trial {
    let kind = names[0].split(':').next().unwrap_or_default().to_owned();
    let isolates = ["fork", "ipc"].contains(&&*kind);
    let crashes = !isolates && test.contains("crashes");
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

fn in_order(name: &str, on: &AnyPortable) -> Outcome {
    for (count, window) in [
        (0, None),
        (1, None),
        (1000, None),
        (60, Some(1)),
        (1000, Some(33)),
    ] {
        let mut stream = over_iter((0..count).map(|i| i.to_string())).seed(3);
        if let Some(window) = window {
            stream = stream.window(window).chunk(Chunks::of(3));
        }
        let outputs = stream
            .map_cx(|text, cx| {
                use rand::Rng;
                (text.clone(), cx.index, cx.rng().next_u32())
            })
            .run(on)?;
        let whole = over(0..count).seed(3).map_cx(|i, cx| {
            use rand::Rng;
            (i.to_string(), i, cx.rng().next_u32())
        });
        assert_eq!(
            outputs,
            whole.run(&partools::Serial)?,
            "{name} {count} {window:?}"
        );
    }
    Ok(())
}

fn breaks(name: &str, on: &AnyPortable) -> Outcome {
    let mut seen = Vec::new();
    let ended = over_iter(0_u64..)
        .map(|n| n * 3)
        .try_for_each(on, |index, n| {
            seen.push((index, n));
            if index == 500 {
                ControlFlow::Break(n)
            } else {
                ControlFlow::Continue(())
            }
        })?;
    assert_eq!(ended, ControlFlow::Break(1500), "{name}");
    let expected: Vec<(usize, u64)> = (0..=500).map(|i| (i, 3 * i as u64)).collect();
    assert_eq!(seen, expected, "{name}");
    Ok(())
}

fn names_stream_items(name: &str, on: &AnyPortable) -> Outcome {
    let mut seen = 0;
    let stream = over_iter(0..5000_u32).map(|n| {
        assert!(!matches!(*n, 777 | 779), "no");
        *n
    });
    let failure = blamed(stream.for_each(on, |index, _| {
        assert_eq!(index, seen);
        seen += 1;
    }))?;
    assert_eq!((failure.index(), seen), (777, 777), "{name}");
    Ok(())
}

fn advances_here(name: &str, on: &AnyPortable) -> Outcome {
    let here = std::thread::current().id();
    let process = std::process::id();
    let pulled = Cell::new(0); // no thread could have it
    let items = std::iter::from_fn(|| {
        assert_eq!(
            (std::thread::current().id(), std::process::id()),
            (here, process)
        );
        pulled.set(pulled.get() + 1);
        (pulled.get() <= 2000).then(|| pulled.get())
    });
    let mut ahead = 0;
    over_iter(items)
        .window(50)
        .map(|n| *n)
        .for_each(on, |index, _| {
            ahead = ahead.max(pulled.get() - index);
        })?;
    assert!(ahead <= 51, "{name}: {ahead} items ahead");
    Ok(())
}

/// What this process holds, in KB.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number
        .and_then(|number| number.parse().ok())
        .expect("a number of KB")
}

fn persistent_in_order(name: &str, on: &AnyPortable) -> Outcome {
    for (count, window) in [
        (0, None),
        (1, None),
        (1000, None),
        (60, Some(1)),
        (1000, Some(33)),
    ] {
        let texts = (0..count).map(|i| "ab".repeat(i % 9) + &i.to_string());
        let mut stream = over_iter(texts).persistent_workers().seed(3);
        if let Some(window) = window {
            stream = stream.window(window).chunk(Chunks::of(3));
        }
        let outputs = stream
            .shared(&7_u32)
            .state(|_| String::new())
            .map_cx(|text, cx| {
                use rand::Rng;
                cx.state.clone_from(text);
                (cx.state.clone(), cx.index, cx.rng().next_u32(), *cx.shared)
            })
            .run(on)?;
        let whole = over(0..count).seed(3).map_cx(|i, cx| {
            use rand::Rng;
            let text = "ab".repeat(i % 9) + &i.to_string();
            (text, i, cx.rng().next_u32(), 7)
        });
        assert_eq!(
            outputs,
            whole.run(&partools::Serial)?,
            "{name} {count} {window:?}"
        );
    }
    Ok(())
}

fn persistent_break(name: &str, on: &AnyPortable) -> Outcome {
    let mut seen = 0;
    let ended = over_iter(0_u64..)
        .persistent_workers()
        .window(20)
        .map(|n| n * 3)
        .try_for_each(on, |index, n| {
            assert_eq!(n, 3 * index as u64);
            seen += 1;
            match index {
                500 => ControlFlow::Break(n),
                _ => ControlFlow::Continue(()),
            }
        })?;
    assert_eq!((ended, seen), (ControlFlow::Break(1500), 501), "{name}");
    Ok(())
}

fn persistent_names(name: &str, on: &AnyPortable) -> Outcome {
    let mut seen = 0;
    let stream = over_iter(0..5000_u32)
        .persistent_workers()
        .window(100)
        .map(|n| {
            assert!(!matches!(*n, 777 | 779), "no");
            *n
        });
    let failure = blamed(stream.for_each(on, |index, _| {
        assert_eq!(index, seen);
        seen += 1;
    }))?;
    assert_eq!((failure.index(), seen), (777, 777), "{name}");
    Ok(())
}

fn persistent_crashes(name: &str, on: &AnyPortable) -> Outcome {
    let mut seen = Vec::new();
    let stream = over_iter(0..500_usize)
        .persistent_workers()
        .window(20)
        .chunk(Chunks::of(3))
        .on_error(OnError::Collect)
        .map(|n| match n {
            77 | 391 => std::process::abort(),
            n => *n,
        });
    let failure = blamed(stream.for_each(on, |index, n| {
        assert_eq!(index, n);
        seen.push(n);
    }))?;
    let text = failure.to_string();
    assert_eq!(
        text, "item 77 had its worker process killed by SIGABRT",
        "{name}"
    );
    let others: Vec<usize> = (0..500).filter(|n| !matches!(n, 77 | 391)).collect();
    assert_eq!(seen, others, "{name}");
    Ok(())
}

fn flat(on: &AnyPortable, persistent: bool) -> Outcome {
    // 320 MB of items and as much of outputs, were they all held.
    let items = (0..10_000_000_u64).map(|i| [i; 4]);
    let (mut sum, mut before) = (0, 0);
    let mut stream = over_iter(items);
    if persistent {
        stream = stream.persistent_workers();
    }
    stream.map(|item| *item).for_each(on, |index, output| {
        assert_eq!(output[3], index as u64);
        sum += output[0];
        if index == 1_000_000 {
            before = resident();
        }
    })?;
    assert_eq!(sum, 9_999_999 * 5_000_000);
    let grown = resident().saturating_sub(before);
    // A window's items and outputs are 16 MB at most, and on a busy machine it may come to that late.
    assert!(
        grown < 32 << 10,
        "{grown} KB more after ten million items than after one"
    );
    Ok(())
}
