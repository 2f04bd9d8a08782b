//! What only `Fork` promises: crashes of every kind, memory that cannot be written, refusals by name, printing once,
//! and thousands of maps that leave nothing behind. On the main thread, one test after the other.

mod clean;

use clean::trial;
use libtest_mimic::Arguments;
use partools_conformance::leaks::Snapshot;
use partools_core::{Cause, Chunks, Error, ItemError, over};
use partools_fork::Fork;
use partools_threads::Threads;
use std::io::Write;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// With this in the environment the test program is a script of [`printing`].
const SCRIPT: &str = "PARTOOLS_FORK_TEST_SCRIPT";

fn main() -> ExitCode {
    if let Ok(script) = std::env::var(SCRIPT) {
        return scripts(&script);
    }
    std::panic::set_hook(Box::new(|_| {}));
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let trials = vec![
        trial(
            "a_child_that_scribbles_over_all_it_can_write_loses_one_item",
            scribbling,
        ),
        trial("a_ring_that_is_zeroed_loses_one_item", zeroing),
        trial(
            "a_child_can_write_its_ring_and_the_counter_and_nothing_else_of_ours",
            what_a_child_can_write,
        ),
        trial(
            "every_item_that_kills_its_worker_is_named_and_no_other",
            many_deaths,
        ),
        trial(
            "a_crash_while_the_state_is_made_is_the_error_of_the_map",
            crashing_start,
        ),
        trial(
            "a_crash_while_the_state_is_dropped_is_the_error_of_the_map",
            crashing_drop,
        ),
        trial(
            "another_thread_is_refused_by_name_until_vouched_for",
            other_threads,
        ),
        trial(
            "foreign_shared_memory_is_refused_by_name_until_vouched_for",
            foreign_memory,
        ),
        trial(
            "threads_then_fork_alternating_is_never_refused",
            alternating,
        ),
        trial(
            "a_storm_of_forks_beside_kept_threads_hangs_nowhere",
            beside_kept_threads,
        ),
        trial(
            "kept_threads_at_work_are_refused_by_name",
            beside_threads_at_work,
        ),
        trial("what_children_print_is_printed_once", printing),
        trial("records_larger_than_the_ring_arrive_whole", large_outputs),
        trial(
            "what_serde_attributes_break_is_an_error_of_that_item",
            serde_attributes,
        ),
        trial("a_closure_may_capture_what_cannot_be_sent", captures),
        trial(
            "a_nested_fork_map_in_the_callback_works",
            nested_in_callback,
        ),
        trial("an_item_that_sleeps_for_ever_is_killed_in_time", timeouts),
        trial("work_above_a_failure_is_killed", killed_above_the_bound),
        trial("a_callback_that_panics_leaves_no_child", panicking_callback),
        trial("workers_leave_no_core_dumps", core_dumps),
        trial(
            "reading_a_large_argument_dirties_next_to_nothing",
            private_dirty,
        ),
        trial("ten_thousand_maps_leave_nothing", ten_thousand),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The ranges of memory that this process can write and shares.
fn shared_writable() -> Vec<(usize, usize)> {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("maps");
    let addresses = maps.lines().filter(|l| l.contains("rw-s")).map(|line| {
        let (start, end) = line
            .split(' ')
            .next()
            .expect("a range")
            .split_once('-')
            .expect("two ends");
        let hex = |text| usize::from_str_radix(text, 16).expect("an address");
        (hex(start), hex(end))
    });
    addresses.collect()
}

/// Overwrites all memory that this process shares.
fn scribble(byte: u8) {
    for (start, end) in shared_writable() {
        // SAFETY: mapped and writable; what breaks by it is what this test is about.
        unsafe { std::ptr::write_bytes(start as *mut u8, byte, end - start) };
    }
}

fn abort() -> ! {
    std::process::abort()
}

#[expect(
    clippy::disallowed_methods,
    reason = "an item that ends its process is what is tested"
)]
fn exit(code: i32) -> ! {
    std::process::exit(code)
}

fn all_but_37(results: &[Result<String, ItemError>], may_finish: bool) {
    for (i, result) in results.iter().enumerate() {
        match (i, result) {
            (37, Err(error)) => assert_eq!(error.index(), 37),
            (37, Ok(_)) => assert!(may_finish, "item 37 cannot have finished"),
            (_, Ok(text)) => assert_eq!(text, &i.to_string()),
            (_, Err(error)) => panic!("an innocent item was blamed: {error}"),
        }
    }
}

fn overwriting(byte: u8) {
    for workers in 1..=3 {
        for chunks in [
            Chunks::Auto,
            Chunks::of(1),
            Chunks::of(25),
            Chunks::guided(),
        ] {
            for end in 0..3 {
                let map = over(0..100).chunk(chunks).map(|i| {
                    if i == 37 {
                        scribble(byte);
                        match end {
                            0 => abort(),
                            1 => panic!("after scribbling"),
                            _ => {} // goes on as if nothing had happened
                        }
                    }
                    i.to_string()
                });
                let fork = Fork::new().workers(workers);
                // An item that goes on may happen to leave the ring as good as it was.
                let may_finish = end == 2;
                all_but_37(&map.try_run(&fork).expect("a map"), may_finish);
                match map.run(&fork) {
                    Ok(_) => assert!(may_finish),
                    Err(error) => {
                        assert_eq!(error.item().map(ItemError::index), Some(37), "{error}")
                    }
                }
            }
        }
    }
}

fn scribbling() {
    overwriting(0xAA);
}

fn zeroing() {
    overwriting(0);
}

fn what_a_child_can_write() {
    let seen = over(0..4)
        .chunk(Chunks::of(1))
        .map(|_| shared_writable().len())
        .run(&Fork::new().workers(4));
    assert_eq!(seen.expect("a map"), [2; 4], "its ring and the counter");
}

fn many_deaths() {
    for round in 0..30usize {
        let is_bad = |i: usize| (i * 7919 + round * 31).is_multiple_of(11);
        let map = over(0..200).map(|i| {
            if is_bad(i) {
                match i % 4 {
                    0 => abort(),
                    // SAFETY: none: this is the crash.
                    1 => unsafe { std::ptr::null_mut::<u8>().write_volatile(1) },
                    2 => exit(i32::try_from(i).unwrap_or(0)),
                    // SAFETY: kills this process alone.
                    _ => _ = unsafe { libc::raise(libc::SIGKILL) },
                }
            }
            i as u64
        });
        let results = map
            .try_run(&Fork::new().workers(1 + round % 4))
            .expect("a map");
        for (i, result) in results.into_iter().enumerate() {
            match (is_bad(i), result) {
                (false, Ok(x)) => assert_eq!(x, i as u64),
                (false, Err(error)) => panic!("innocent: {error}"),
                (true, Ok(_)) => panic!("item {i} cannot have finished"),
                (true, Err(error)) => {
                    let name = match error.cause() {
                        Cause::Killed { name, .. } => name.clone(),
                        Cause::Exited { code } => format!("{code}"),
                        other => panic!("{other:?}"),
                    };
                    let exit = (i % 256).to_string();
                    let expected = ["SIGABRT", "SIGSEGV", &exit, "SIGKILL"][i % 4];
                    assert_eq!(name, expected, "item {i}");
                }
            }
        }
    }
}

fn crashing_start() {
    let map = over(0..100).state(|_| -> u8 { abort() }).map_cx(|i, _| i);
    let error = map.try_run(&Fork::new().workers(2)).expect_err("no state");
    assert!(error.is_start(), "{error}");
    assert!(error.to_string().contains("SIGABRT"), "{error}");
}

fn crashing_drop() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            abort();
        }
    }
    let map = over(0..100).state(|_| Bomb).map_cx(|i, _| i);
    let error = map
        .run(&Fork::new().workers(2))
        .expect_err("the state cannot be dropped");
    assert!(
        error.is_contract() && error.to_string().contains("SIGABRT"),
        "{error}"
    );
}

fn other_threads() {
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let job = over(0..10).map(|i| i * i);
    std::thread::scope(|scope| {
        let bystander = std::thread::Builder::new().name("a bystander with a long name".into());
        bystander
            .spawn_scoped(scope, move || stopped.recv())
            .expect("a thread");
        let error = job.run(&Fork::new()).expect_err("refused");
        assert!(error.is_refused(), "{error}");
        assert!(error.to_string().contains("a bystander wit"), "{error}");
        // SAFETY: the bystander waits in a channel and holds no lock that the closure takes.
        let vouched = unsafe { Fork::new().tolerate_threads(["a bystander with a long name"]) };
        assert_eq!(job.run(&vouched).expect("vouched for")[3], 9);
        drop(stop);
    });
    assert_eq!(job.run(&Fork::new()).expect("it is gone")[3], 9);
}

fn foreign_memory() {
    let job = over(0..10).map(|i| i * i);
    let bytes = 8192;
    // SAFETY: a new mapping, unmapped below.
    let memory = unsafe {
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
        libc::mmap(
            std::ptr::null_mut(),
            bytes,
            libc::PROT_READ | libc::PROT_WRITE,
            flags,
            -1,
            0,
        )
    };
    assert_ne!(memory, libc::MAP_FAILED);
    let error = job.run(&Fork::new()).expect_err("refused");
    assert!(
        error.is_refused() && error.to_string().contains("anonymous shared memory (8 KiB"),
        "{error}"
    );
    // SAFETY: nothing in the closure writes there.
    let vouched = unsafe { Fork::new().tolerate_shared_memory(["anonymous shared memory"]) };
    assert_eq!(job.run(&vouched).expect("vouched for")[3], 9);
    // SAFETY: mapped above, with this length.
    unsafe { libc::munmap(memory, bytes) };
    assert_eq!(job.run(&Fork::new()).expect("it is gone")[3], 9);
}

fn alternating() {
    for round in 0..2_000usize {
        let job = over(0..8).chunk(Chunks::of(1)).map(|i| i + round);
        assert_eq!(
            job.run(&Threads::new().workers(4)).expect("threads"),
            job.run(&Fork::new().workers(2)).expect("fork")
        );
    }
}

#[expect(clippy::print_stdout, reason = "what is printed is what is tested")]
/// Prints from 50 items, with and without a line end, by Rust and by C; some items fail.
fn scripts(script: &str) -> ExitCode {
    print!("<before>");
    // SAFETY: a format without conversions.
    unsafe { libc::printf(c"<before in C>".as_ptr()) };
    let results = over(0..50)
        .map(|i| {
            print!("<rust {i}>");
            // SAFETY: one conversion, one argument of its type.
            unsafe { libc::printf(c"<c %d>".as_ptr(), i32::try_from(i).unwrap_or(-1)) };
            if script == "failing" && i % 10 == 3 {
                panic!("item {i}");
            }
        })
        .try_run(&Fork::new().workers(2));
    print!("<after {}>", results.map_or(0, |r| r.len()));
    let _ = std::io::stdout().flush();
    ExitCode::SUCCESS
}

/// Helpers of `Threads` in all that they do between maps: just back from work, awake, drowsy, asleep.
fn beside_kept_threads() {
    let kept = [Threads::new().workers(2), Threads::new().workers(5)];
    let words = |i: usize| format!("{i} {:?}", vec![i; i % 50]);
    for round in 0..600_usize {
        let on_threads = over(0..[2, 8, 64, 3_000][round % 4]).map(words);
        for threads in &kept {
            assert_eq!(on_threads.run(threads).expect("threads")[1], "1 [1]");
        }
        std::thread::sleep(Duration::from_micros([0, 0, 40, 150, 3_000][round % 5]));
        // What a lock that a helper held would stop for ever: the allocator, the standard output, a thread of the child's.
        let job = over(0..6)
            .item_timeout(Duration::from_secs(20))
            .chunk(Chunks::of(1))
            .map(|i| {
                let _out = std::io::stdout().lock();
                let there = match i {
                    0 => std::thread::Builder::new()
                        .spawn(move || words(i))
                        .expect("a thread")
                        .join()
                        .expect("a thread"),
                    _ => words(i),
                };
                there.len() + round
            });
        let outputs = job.run(&Fork::new().workers(2)).expect("fork");
        assert_eq!(outputs[..2], [4 + round, 5 + round]);
    }
}

fn beside_threads_at_work() {
    let kept = Threads::new().workers(2);
    let job = over(0..4).map(|i| i);
    let (begun, go_on) = (std::sync::Barrier::new(3), std::sync::Barrier::new(3));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let wait = |_| {
                begun.wait();
                go_on.wait();
            };
            over(0..2).map(wait).run(&kept).expect("a map");
        });
        begun.wait();
        let error = job.run(&Fork::new()).expect_err("refused");
        go_on.wait();
        assert!(error.to_string().contains("\"partools-1\""), "{error}");
        assert!(error.to_string().contains("threads beside"), "{error}");
    });
    assert_eq!(job.run(&Fork::new()).expect("it rests")[3], 3);
}

fn printing() {
    for script in ["sound", "failing"] {
        let program = std::env::current_exe().expect("this program");
        let output = Command::new(program)
            .env(SCRIPT, script)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .expect("the script runs");
        let text = String::from_utf8_lossy(&output.stdout);
        let mut expected = vec![
            "<before>".to_owned(),
            "<before in C>".into(),
            "<after 50>".into(),
        ];
        expected.extend((0..50).flat_map(|i| [format!("<rust {i}>"), format!("<c {i}>")]));
        for piece in expected {
            assert_eq!(text.matches(&piece).count(), 1, "{piece} in {text}");
        }
    }
}

fn large_outputs() {
    let fork = Fork::new().workers(2);
    let bytes = |i: usize| (0..5_000_000 + i).map(move |k| u8::try_from(k % 251 + i).unwrap_or(0));
    let outputs = over(0..4)
        .map(|i| bytes(i).collect::<Vec<u8>>())
        .run(&fork)
        .expect("bytes");
    for (i, output) in outputs.into_iter().enumerate() {
        assert!(output.into_iter().eq(bytes(i)), "output {i}");
    }
    let text = over(0..2)
        .map(|i| "äöü".repeat(1_000_000 + i))
        .run(&fork)
        .expect("text");
    assert_eq!(text[1].len(), 6 * 1_000_001);
}

fn serde_attributes() {
    use serde::{Deserialize, Serialize};
    use std::collections::BTreeMap;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Skips {
        #[serde(skip_serializing_if = "Option::is_none")]
        a: Option<u8>,
        b: String,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Flat {
        #[serde(flatten)]
        rest: BTreeMap<String, u8>,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Number(u8),
        Text(String),
    }
    fn refused<O: std::fmt::Debug>(
        results: Result<Vec<Result<O, ItemError>>, Error>,
        sound: impl Fn(usize) -> bool,
    ) {
        for (i, result) in results.expect("a map").into_iter().enumerate() {
            match result {
                Ok(_) => assert!(sound(i), "item {i} came back though it cannot have"),
                Err(error) => {
                    assert!(!sound(i) && error.index() == i, "{error}");
                    assert!(matches!(error.cause(), Cause::NotPortable(_)), "{error}");
                }
            }
        }
    }
    let fork = Fork::new().workers(2);
    let skips = over(0..10).map(|i| Skips {
        a: (i % 2 == 0).then_some(1),
        b: "b".repeat(i),
    });
    refused(skips.try_run(&fork), |i| i % 2 == 0);
    refused(
        over(0..3)
            .map(|_| Flat {
                rest: BTreeMap::new(),
            })
            .try_run(&fork),
        |_| false,
    );
    let untagged = |i| {
        if i == 0 {
            Untagged::Number(1)
        } else {
            Untagged::Text("x".into())
        }
    };
    refused(over(0..2).map(untagged).try_run(&fork), |_| false);
}

fn captures() {
    let shared = std::rc::Rc::new(std::cell::Cell::new(5));
    let job = over(0..10).map(|i| i + shared.get());
    assert_eq!(job.run(&Fork::new().workers(2)).expect("a map")[3], 8);
    assert_eq!(std::rc::Rc::strong_count(&shared), 1);
}

fn nested_in_callback() {
    let fork = Fork::new().workers(2);
    let mut sums = Vec::new();
    over(0..5)
        .map(|i| i)
        .for_each(&fork, |_, n| {
            let inner = over(0..10)
                .map(|i| i * n)
                .run(&fork)
                .expect("the inner map");
            sums.push(inner.iter().sum::<usize>());
        })
        .expect("the outer map");
    assert_eq!(sums, [0, 45, 90, 135, 180]);
}

fn timeouts() {
    for workers in [1, 2] {
        let begun = Instant::now();
        let limit = Duration::from_millis(100);
        let map = over(0..20).item_timeout(limit).map(|i| {
            if i % 7 == 3 {
                std::thread::sleep(Duration::from_secs(60));
            }
            i
        });
        let results = map.try_run(&Fork::new().workers(workers)).expect("a map");
        for (i, result) in results.into_iter().enumerate() {
            match result {
                Ok(x) => assert!(x == i && i % 7 != 3),
                Err(error) => {
                    let is_late = matches!(error.cause(), Cause::TimedOut { limit: l, ran } if *l == limit && *ran >= limit);
                    assert!(i % 7 == 3 && is_late, "{error}");
                }
            }
        }
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{:?}",
            begun.elapsed()
        );
    }
}

fn killed_above_the_bound() {
    let begun = Instant::now();
    let map = over(0..4).chunk(Chunks::of(1)).map(|i| {
        match i {
            0 => std::thread::sleep(Duration::from_millis(50)),
            1 => panic!("early"),
            _ => std::thread::sleep(Duration::from_secs(60)),
        }
        i
    });
    let error = map.run(&Fork::new().workers(4)).expect_err("item 1 fails");
    assert_eq!(error.item().map(ItemError::index), Some(1));
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
}

fn panicking_callback() {
    let caught = std::panic::catch_unwind(|| {
        let map = over(0..1000).map(|i| {
            std::thread::sleep(Duration::from_millis(1));
            i
        });
        map.for_each(&Fork::new().workers(3), |i, _| assert!(i < 10, "enough"))
    });
    let payload = caught.expect_err("the callback panicked");
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"enough"));
}

fn core_dumps() {
    let limits = over(0..2).map(|_| {
        let mut limit = libc::rlimit {
            rlim_cur: 7,
            rlim_max: 7,
        };
        // SAFETY: writes to the struct that is passed.
        unsafe { libc::getrlimit(libc::RLIMIT_CORE, &mut limit) };
        limit.rlim_cur
    });
    let quiet = limits.run(&Fork::new().workers(2)).expect("a map");
    assert!(quiet.iter().all(|&limit| limit <= 1), "{quiet:?}");
}

/// The claim itself: what a child adds while it reads a large argument.
fn private_dirty() {
    let array: Vec<u64> = (0..12_500_000).collect();
    let sums = over(0..4)
        .shared(&array)
        .chunk(Chunks::of(2))
        .map(|_, array| {
            let sum: u64 = array.iter().sum();
            let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").expect("smaps_rollup");
            let dirty = rollup
                .lines()
                .find_map(|l| l.strip_prefix("Private_Dirty:"))
                .expect("a line");
            let kib: u64 = dirty
                .trim()
                .trim_end_matches(" kB")
                .parse()
                .expect("a number");
            (sum, kib)
        });
    for (sum, kib) in sums.run(&Fork::new().workers(2)).expect("a map") {
        assert_eq!(sum, 12_499_999 * 12_500_000 / 2);
        assert!(
            kib < 4096,
            "a child that only reads 100 MB has {kib} KiB of its own"
        );
    }
}

fn resident_kib() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("status");
    let line = status
        .lines()
        .find_map(|l| l.strip_prefix("VmRSS:"))
        .expect("a line");
    line.trim()
        .trim_end_matches(" kB")
        .trim()
        .parse()
        .expect("a number")
}

fn ten_thousand() {
    let fork = Fork::new().workers(2);
    let round = |round: usize| {
        let job = over(0..6).map(|i| {
            if round % 2 == 1 && i == 3 {
                abort();
            }
            i
        });
        let results = job.try_run(&fork).expect("a map");
        assert_eq!(
            results.iter().filter(|r| r.is_ok()).count(),
            if round % 2 == 1 { 5 } else { 6 }
        );
    };
    (0..500).for_each(round);
    let (before, resident) = (Snapshot::take(), resident_kib());
    (0..10_000).for_each(round);
    before.assert_unchanged();
    let growth = resident_kib() - resident;
    assert!(
        growth < 1024,
        "resident memory grew by {growth} KiB over 10,000 maps"
    );
}
