//! Streams whose children live as long as they do: the same processes window after window, also behind crashes, and nothing
//! left. On the main thread, one test after the other.

mod clean;

use clean::trial;
use libtest_mimic::Arguments;
use partools_core::{Cause, Chunks, Error, ItemError, OnError, Plan, Report, over_iter};
use partools_fork::{Fork, Limits};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|_| {}));
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let trials = vec![
        trial("fifty_windows_have_the_same_two_processes", same_processes),
        trial("one_that_crashes_costs_its_item_and_one_fork", crash),
        trial("crashes_in_many_windows_blame_their_items_alone", chaos),
        trial("a_window_of_any_length_is_sent_whole", lengths),
        trial("items_larger_than_the_memory_at_first", large),
        trial("an_item_that_cannot_be_sent_says_so", unsent),
        trial("an_item_that_kills_its_worker_as_it_is_read", reading),
        trial("an_item_that_panics_and_is_dropped_badly", dropping),
        trial("late_items_are_killed_and_the_stream_goes_on", late),
        trial("retries_count_across_deaths", retries),
        trial("children_that_have_served_enough_are_replaced", recycling),
        trial("states_are_made_for_each_window", states),
        trial("a_break_a_panic_and_a_deadline_leave_nothing", endings),
        trial("children_killed_while_they_rest_are_replaced", rested),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn fork() -> Fork {
    Fork::new().workers(2)
}

/// Long enough for the other worker to come to it, too.
fn nap() {
    sleep(Duration::from_millis(2));
}

fn same_processes() {
    let report = Report::new();
    let table: Vec<u32> = (0..1000).map(|n| n * n).collect(); // inherited, and not sent
    let pids = over_iter(0..1000_usize)
        .persistent_workers()
        .window(20)
        .chunk(Chunks::of(1))
        .observe(&report)
        .shared(&table)
        .map(|n, table| {
            sleep(Duration::from_micros(100));
            (std::process::id(), table[*n])
        })
        .run(&fork())
        .expect("it ran");
    let processes: BTreeSet<u32> = pids.iter().map(|(pid, _)| *pid).collect();
    assert_eq!(processes.len(), 2, "{processes:?}");
    assert!(pids.iter().map(|(_, n)| n).eq(&table));
    let summary = report.summary();
    assert_eq!((summary.windows, summary.forks), (50, 2), "{report}");
    assert_eq!((summary.finished, summary.respawns), (1000, 0), "{report}");
}

fn crash() {
    let report = Report::new();
    let stream = over_iter(0..1000_usize)
        .persistent_workers()
        .window(20)
        .chunk(Chunks::of(3))
        .on_error(OnError::Collect)
        .observe(&report)
        .map(|n| {
            nap();
            match n {
                391 => std::process::abort(),
                n => (std::process::id(), n * 3),
            }
        });
    let (mut seen, mut pids) = (Vec::new(), BTreeSet::new());
    let result = stream.for_each(&fork(), |index, (pid, output)| {
        assert_eq!(output, index * 3);
        seen.push(index);
        pids.insert(pid);
    });
    let failure = blamed(result);
    let text = failure.to_string();
    assert_eq!(text, "item 391 had its worker process killed by SIGABRT");
    let others: Vec<usize> = (0..1000).filter(|&n| n != 391).collect();
    assert_eq!(seen, others);
    assert_eq!(pids.len(), 3);
    let summary = report.summary();
    assert_eq!((summary.windows, summary.forks), (50, 3), "{report}");
    assert_eq!(summary.respawns, 1, "{report}");
}

fn blamed<T>(result: Result<T, Error>) -> ItemError {
    let failed = result.map(|_| ()).expect_err("an item failed");
    failed.into_item().expect("an item is to blame")
}

/// What `stream` says of each item.
fn told(results: &BTreeMap<usize, String>, count: usize, bad: impl Fn(usize) -> bool) {
    for index in 0..count {
        let is_there = results.contains_key(&index);
        assert_eq!(is_there, !bad(index), "item {index}");
        if is_there {
            assert_eq!(results[&index], format!("{index} was here"));
        }
    }
}

fn chaos() {
    let bad = |n: usize| n % 37 == 5;
    for workers in [1, 2, 3] {
        for (window, chunks) in [(7, Chunks::of(1)), (50, Chunks::Auto), (33, Chunks::of(4))] {
            let mut results = BTreeMap::new();
            let report = Report::new();
            let failure = over_iter((0..400_usize).map(|n| n.to_string()))
                .persistent_workers()
                .window(window)
                .chunk(chunks)
                .on_error(OnError::Collect)
                .observe(&report)
                .map_cx(move |text, cx| {
                    let n: usize = text.parse().expect("a number");
                    assert_eq!(n, cx.index);
                    if bad(n) {
                        match n % 4 {
                            0 => std::process::abort(),
                            // SAFETY: our own process.
                            1 => drop(unsafe { libc::raise(libc::SIGKILL) }),
                            // SAFETY: it is what is to be survived.
                            2 => unsafe { std::ptr::null_mut::<u8>().write_volatile(1) },
                            // SAFETY: our own process.
                            _ => drop(unsafe { libc::raise(libc::SIGTERM) }),
                        }
                    }
                    format!("{text} was here")
                })
                .for_each(&Fork::new().workers(workers), |index, output| {
                    results.insert(index, output);
                });
            assert_eq!(blamed(failure).index(), 5);
            told(&results, 400, bad);
            let summary = report.summary();
            assert_eq!((summary.finished, summary.failed), (400, 11), "{report}");
            // Who was killed by somebody, as it seems, is called once more: so some die twice.
            assert!(summary.forks <= workers + 22, "{report}");
        }
    }
}

fn lengths() {
    for window in [1, 2, 3, 64] {
        for count in [0, 1, 2, 63, 64, 65, 130] {
            let texts = (0..count).map(|n| "x".repeat(n * 7 % 50));
            let lengths = over_iter(texts)
                .persistent_workers()
                .window(window)
                .map(String::len)
                .run(&fork())
                .expect("it ran");
            let expected: Vec<usize> = (0..count).map(|n| n * 7 % 50).collect();
            assert_eq!(lengths, expected, "{count} in windows of {window}");
        }
    }
}

fn large() {
    let report = Report::new();
    let sums = over_iter((0..12_u64).map(|n| vec![n; 2 << 20]))
        .persistent_workers()
        .window(6)
        .observe(&report)
        .map(|numbers| numbers.iter().sum::<u64>())
        .run(&fork())
        .expect("it ran");
    let expected: Vec<u64> = (0..12).map(|n| n << 21).collect();
    assert_eq!(sums, expected);
    // It takes its memory before it forks.
    assert_eq!(report.summary().forks, 2, "{report}");
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Note {
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(u32),
}

fn unsent() {
    let notes = (0..60).map(|n| Note {
        text: (n != 41).then(|| n.to_string()),
    });
    let mut seen = Vec::new();
    let failure = over_iter(notes)
        .persistent_workers()
        .window(10)
        .on_error(OnError::Collect)
        .map(|note| note.text.clone())
        .for_each(&fork(), |index, text| seen.push((index, text)));
    let failure = blamed(failure);
    assert_eq!(failure.index(), 41);
    assert!(
        matches!(failure.cause(), Cause::NotPortable(_)),
        "{failure}"
    );
    let expected = (0..60)
        .filter(|&n| n != 41)
        .map(|n| (n, Some(n.to_string())));
    assert_eq!(seen, expected.collect::<Vec<_>>());
    // It can be written, and not read.
    let failure = over_iter((0..5).map(Untagged::Number))
        .persistent_workers()
        .map(|Untagged::Number(n)| *n)
        .run(&fork());
    let failure = blamed(failure);
    assert_eq!(failure.index(), 0);
    assert!(
        matches!(failure.cause(), Cause::NotPortable(_)),
        "{failure}"
    );
}

/// Kills who reads it, where it is 13.
#[derive(serde::Serialize)]
struct Deadly(u32);

impl<'de> serde::Deserialize<'de> for Deadly {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match u32::deserialize(from)? {
            13 => std::process::abort(),
            14 => panic!("not this one"),
            n => Ok(Deadly(n)),
        }
    }
}

fn reading() {
    let mut seen = Vec::new();
    let failure = over_iter((0..40).map(Deadly))
        .persistent_workers()
        .window(10)
        .chunk(Chunks::of(5))
        .on_error(OnError::Collect)
        .map(|item| item.0)
        .for_each(&fork(), |index, n| {
            assert_eq!(index, n as usize);
            seen.push(n);
        });
    let failure = blamed(failure);
    assert_eq!(failure.index(), 13);
    assert!(failure.to_string().contains("SIGABRT"), "{failure}");
    let expected: Vec<u32> = (0..40).filter(|n| !matches!(n, 13 | 14)).collect();
    assert_eq!(seen, expected);
}

/// Panics when it is dropped.
#[derive(serde::Serialize, serde::Deserialize)]
struct Bomb(u32);

impl Drop for Bomb {
    fn drop(&mut self) {
        let here = HERE.with(Cell::get) == std::process::id();
        assert!(here, "a bomb in a child");
    }
}

thread_local!(static HERE: Cell<u32> = const { Cell::new(0) });

fn dropping() {
    HERE.set(std::process::id());
    let mut seen = Vec::new();
    let failure = over_iter((0..40).map(Bomb))
        .persistent_workers()
        .window(10)
        .on_error(OnError::Collect)
        .map(|bomb| {
            assert!(bomb.0 != 25, "no");
            bomb.0
        })
        .for_each(&fork(), |_, n| seen.push(n));
    let failure = blamed(failure);
    assert!(failure.to_string().ends_with(": no"), "{failure}");
    let expected: Vec<u32> = (0..40).filter(|&n| n != 25).collect();
    assert_eq!(seen, expected);
}

fn late() {
    let report = Report::new();
    let mut seen = 0;
    let limits = Limits::new().grace(Duration::from_millis(50));
    let failure = over_iter(0..60_u32)
        .persistent_workers()
        .window(10)
        .item_timeout(Duration::from_millis(200))
        .on_error(OnError::Collect)
        .observe(&report)
        .map(|n| {
            if *n == 33 {
                sleep(Duration::from_secs(3600));
            }
            *n
        })
        .for_each(&fork().limits(limits), |_, _| seen += 1);
    let failure = blamed(failure);
    assert_eq!((failure.index(), seen), (33, 59));
    assert!(
        matches!(failure.cause(), Cause::TimedOut { .. }),
        "{failure}"
    );
    assert!(report.summary().forks <= 3, "{report}");
}

fn retries() {
    let outputs = over_iter(0..100_u32)
        .persistent_workers()
        .window(10)
        .retries(2)
        .map_cx(|n, cx| match (n % 25, cx.attempt) {
            (7, 0) => std::process::abort(),
            (9, 0 | 1) => panic!("not yet"),
            (_, attempt) => (*n, attempt),
        })
        .run(&fork())
        .expect("all of them, in the end");
    let expected = (0..100).map(|n| match n % 25 {
        7 => (n, 1),
        9 => (n, 2),
        _ => (n, 0),
    });
    assert_eq!(outputs, expected.collect::<Vec<_>>());
}

fn recycling() {
    let report = Report::new();
    let limits = Limits::new().recycle_after(30);
    let outputs = over_iter(0..300_u32)
        .persistent_workers()
        .window(20)
        .observe(&report)
        .map(|n| (std::process::id(), *n))
        .run(&fork().limits(limits))
        .expect("it ran");
    let mut items: BTreeMap<u32, usize> = BTreeMap::new();
    for (at, (pid, n)) in (0..).zip(outputs) {
        assert_eq!(at, n);
        *items.entry(pid).or_default() += 1;
    }
    assert!(items.values().all(|&count| count <= 30), "{items:?}");
    let forks = report.summary().forks;
    assert!((10..=13).contains(&forks), "{report}");
}

fn states() {
    let outputs = over_iter(0..40_usize)
        .persistent_workers()
        .window(10)
        .state(|_| 0)
        .map_cx(|n, cx| {
            *cx.state += 1;
            (*n, *cx.state)
        })
        .run(&Fork::new().workers(1))
        .expect("it ran");
    let expected: Vec<_> = (0..40).map(|n| (n, n % 10 + 1)).collect();
    assert_eq!(outputs, expected);
}

fn endings() {
    let mut pids = BTreeSet::new();
    let ended = over_iter(0_u64..)
        .persistent_workers()
        .window(10)
        .map(|n| (std::process::id(), n * 2))
        .try_for_each(&fork(), |index, (pid, n)| {
            pids.insert(pid);
            match index {
                55 => ControlFlow::Break(n),
                _ => ControlFlow::Continue(()),
            }
        });
    assert_eq!(ended.expect("it ran"), ControlFlow::Break(110));
    let panicked = std::panic::catch_unwind(|| {
        let stream = over_iter(0_u64..).persistent_workers().window(10);
        let _ = stream
            .map(|_| std::process::id())
            .for_each(&fork(), |index, _| assert!(index < 35, "enough"));
    });
    assert!(panicked.is_err());
    let panicked = std::panic::catch_unwind(|| {
        let items = (0_u64..).inspect(|&n| assert!(n < 35, "no more"));
        let stream = over_iter(items).persistent_workers().window(10);
        let _ = stream.map(|n| *n).run(&fork());
    });
    assert!(panicked.is_err());
    let begun = Instant::now();
    let late = over_iter(0_u64..)
        .persistent_workers()
        .window(10)
        .deadline(Duration::from_millis(100))
        .map(|n| {
            if *n == 50 {
                sleep(Duration::from_secs(3600));
            }
        })
        .for_each(&fork(), |_, ()| {});
    assert!(late.expect_err("no time").is_deadline());
    assert!(begun.elapsed() < Duration::from_secs(60));
    for pid in pids {
        assert!(!std::fs::exists(format!("/proc/{pid}")).unwrap_or(true));
    }
}

fn rested() {
    let report = Report::new();
    let mut pids = Vec::new();
    let plan = Plan::new().window(10).observe(&report);
    let outputs = std::cell::RefCell::new(Vec::new());
    // The iterator is advanced between two windows, when all children rest.
    let items = (0..100_u32).inspect(|&n| {
        if n == 50 {
            let pids: BTreeSet<i32> = outputs.borrow().iter().map(|&(pid, _)| pid).collect();
            for pid in pids {
                // SAFETY: a child of ours.
                unsafe { libc::kill(pid, libc::SIGKILL) };
            }
        }
    });
    over_iter(items)
        .persistent_workers()
        .plan(plan)
        .map(|n| {
            nap();
            (std::process::id(), *n)
        })
        .for_each(&fork(), |_, (pid, n)| {
            pids.push(pid);
            let pid = i32::try_from(pid).expect("a process id");
            outputs.borrow_mut().push((pid, n));
        })
        .expect("nothing of the stream is lost with them");
    assert!(outputs.borrow().iter().map(|&(_, n)| n).eq(0..100));
    let both: [BTreeSet<u32>; 2] = [&pids[..50], &pids[50..]].map(|p| p.iter().copied().collect());
    assert!(both[0].is_disjoint(&both[1]), "{both:?}");
    let forks = report.summary().forks;
    assert!((3..=4).contains(&forks), "{report}");
}
