//! What `Threads` promises beyond the contract's cases: who works, what is left behind, and what happens
//! where the system or the environment says no. One trial at a time on the main thread, since trials count
//! the threads of the process; scenes that need another environment run in a process of their own.

#![allow(clippy::print_stdout)] // a scene tells its outcome by printing it

use libtest_mimic::{Arguments, Failed, Trial};
use partools_core::{Chunks, Executor, Task, over};
use partools_threads::Threads;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::{Command, ExitCode};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    if let Ok(scene) = std::env::var(SCENE) {
        return play(&scene);
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let trials = vec![
        Trial::test(
            "two_items_on_two_workers_run_at_once",
            two_items_run_at_once,
        ),
        Trial::test(
            "two_items_of_100_ms_take_100_ms",
            two_items_take_the_time_of_one,
        ),
        Trial::test(
            "helpers_have_names_and_the_caller_works",
            helpers_have_names,
        ),
        Trial::test("one_item_starts_no_helper", one_item_starts_no_helper),
        Trial::test(
            "2000_maps_leave_no_thread_and_no_descriptor",
            nothing_is_left,
        ),
        Trial::test(
            "a_callback_that_panics_leaves_no_thread",
            panicking_callback_leaves_nothing,
        ),
        Trial::test(
            "thread_local_values_are_dropped_before_the_map_returns",
            thread_locals_are_dropped,
        ),
        Trial::test(
            "helpers_are_kept_and_gone_with_the_last_clone",
            helpers_are_kept,
        ),
        Trial::test("helpers_that_rest_use_no_processor", resting_costs_nothing),
        Trial::test(
            "two_long_items_behind_many_cheap_maps_run_at_once",
            long_behind_cheap,
        ),
        Trial::test(
            "every_helper_comes_whatever_it_did_before",
            every_helper_comes,
        ),
        Trial::test(
            "maps_on_many_threads_share_one_value",
            one_value_on_many_threads,
        ),
        Trial::test(
            "a_callback_that_panics_leaves_helpers_that_serve_the_next_map",
            panics_between_maps,
        ),
        Trial::test("a_forked_child_starts_helpers_of_its_own", forked_child),
        Trial::test("zero_workers_are_an_error_when_a_map_runs", zero_workers),
        Trial::test(
            "nonsense_in_the_variable_is_an_error_that_quotes_it",
            nonsense_in_the_variable,
        ),
        Trial::test("the_variable_sets_the_number", variable_sets_the_number),
        Trial::test(
            "no_thread_to_be_had_means_the_caller_works_alone",
            no_thread_to_be_had,
        ),
        Trial::test(
            "few_threads_to_be_had_mean_few_helpers",
            few_threads_to_be_had,
        ),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

type Outcome = Result<(), Failed>;

/// Everybody who waits here is let go when `wanted` are here; false for who waited ten seconds.
struct Gate {
    wanted: usize,
    here: Mutex<usize>,
    opened: Condvar,
}

impl Gate {
    fn of(wanted: usize) -> Self {
        Gate {
            wanted,
            here: Mutex::new(0),
            opened: Condvar::new(),
        }
    }

    fn pass(&self) -> bool {
        let mut here = self.here.lock().expect("nobody panics here");
        *here += 1;
        self.opened.notify_all();
        let closed = |here: &mut usize| *here < self.wanted;
        let wait = self
            .opened
            .wait_timeout_while(here, Duration::from_secs(10), closed);
        !wait.expect("nobody panics here").1.timed_out()
    }
}

fn two_items_run_at_once() -> Outcome {
    let gate = Gate::of(2);
    let passed = over(0..2)
        .map(|_| gate.pass())
        .run(&Threads::new().workers(2))?;
    assert_eq!(passed, [true, true]);
    Ok(())
}

fn two_items_take_the_time_of_one() -> Outcome {
    // Another process may take a processor away meanwhile, but hardly five times in a row.
    let mut fastest = Duration::MAX;
    for _ in 0..5 {
        let begun = Instant::now();
        let sleep = |_| std::thread::sleep(Duration::from_millis(100));
        over(0..2).map(sleep).run(&Threads::new().workers(2))?;
        fastest = fastest.min(begun.elapsed());
    }
    assert!(fastest < Duration::from_millis(130), "{fastest:?}");
    Ok(())
}

fn helpers_have_names() -> Outcome {
    let gate = Gate::of(3);
    let own_name = |_| {
        gate.pass();
        std::thread::current().name().map(str::to_owned)
    };
    let names = over(0..3).map(own_name).run(&Threads::new().workers(3))?;
    let names: BTreeSet<_> = names
        .iter()
        .map(|name| name.as_deref().unwrap_or("?"))
        .collect();
    assert_eq!(names, BTreeSet::from(["main", "partools-1", "partools-2"]));
    Ok(())
}

fn one_item_starts_no_helper() -> Outcome {
    let seen = over(0..1)
        .map(|_| threads())
        .run(&Threads::new().workers(8))?;
    assert_eq!(seen, [1]);
    Ok(())
}

fn nothing_is_left() -> Outcome {
    let before = (threads(), descriptors());
    for round in 0..2_000 {
        over(0..10)
            .map(|i| i)
            .run(&Threads::new().workers(2 + round % 4))?;
        assert_eq!(threads(), before.0, "after map {round}");
    }
    assert_eq!(descriptors(), before.1);
    Ok(())
}

fn panicking_callback_leaves_nothing() -> Outcome {
    let before = threads();
    for round in 0..200 {
        let job = over(0..100).window(4).chunk(Chunks::of(1)).map(|i| i);
        let callback = |index, _| {
            if index == round % 50 {
                // Without the hook, which would print 200 times.
                resume_unwind(Box::new("enough"));
            }
        };
        let run = || job.for_each(&Threads::new().workers(3), callback);
        let payload = catch_unwind(AssertUnwindSafe(run)).expect_err("the callback panics");
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"enough"));
        assert_eq!(threads(), before, "after map {round}");
    }
    Ok(())
}

static DROPPED: Mutex<usize> = Mutex::new(0);

struct Slow;
impl Drop for Slow {
    fn drop(&mut self) {
        std::thread::sleep(Duration::from_millis(20));
        *DROPPED.lock().expect("nobody panics here") += 1;
    }
}
thread_local! {
    static SLOW: Slow = const { Slow };
}

fn thread_locals_are_dropped() -> Outcome {
    let gate = Gate::of(3);
    let touch_on_helpers = |_| {
        gate.pass();
        if std::thread::current().name() != Some("main") {
            SLOW.with(|_| {});
        }
    };
    over(0..3)
        .map(touch_on_helpers)
        .run(&Threads::new().workers(3))?;
    assert_eq!(*DROPPED.lock().expect("nobody panics here"), 2);
    Ok(())
}

fn helpers_are_kept() -> Outcome {
    let before = threads();
    let pool = Threads::new().workers(3);
    let mut seen = BTreeSet::new();
    for _ in 0..50 {
        let gate = Gate::of(3);
        let who = over(0..3).map(|_| {
            gate.pass();
            std::thread::current().id()
        });
        seen.extend(who.run(&pool)?.into_iter().map(|id| format!("{id:?}")));
        assert_eq!(threads(), before + 2);
    }
    assert_eq!(seen.len(), 3, "{seen:?}");
    let clone = pool.clone();
    drop(pool);
    assert_eq!(threads(), before + 2);
    // One that asks for another number has helpers of its own.
    over(0..9).map(|i| i).run(&clone.clone().workers(2))?;
    assert_eq!(threads(), before + 2);
    drop(clone);
    assert_eq!(threads(), before);
    Ok(())
}

/// How often this process has gone to sleep or was put aside, all threads together.
fn switches() -> Result<u64, Failed> {
    let mut switches = 0;
    for task in std::fs::read_dir("/proc/self/task")? {
        let status = std::fs::read_to_string(task?.path().join("status"))?;
        let counts = status.lines().filter(|line| line.contains("ctxt_switches"));
        switches += counts
            .filter_map(|line| line.split_whitespace().last()?.parse::<u64>().ok())
            .sum::<u64>();
    }
    Ok(switches)
}

fn resting_costs_nothing() -> Outcome {
    let pool = Threads::new().workers(4);
    let gate = Gate::of(4);
    over(0..4).map(|_| gate.pass()).run(&pool)?;
    // Drowsy after 2 ms, however busy the machine.
    let mut last = switches()?;
    for _ in 0..50 {
        std::thread::sleep(Duration::from_millis(100));
        let now = switches()?;
        // The one that sleeps here, and looks.
        if now - last <= 2 {
            return Ok(());
        }
        last = now;
    }
    Err("helpers still wake up, 5 s after the last map".into())
}

fn long_behind_cheap() -> Outcome {
    let pool = Threads::new().workers(2);
    let call = |gate: &Option<Gate>| gate.as_ref().is_none_or(Gate::pass);
    let cheap: Vec<Option<Gate>> = (0..64).map(|_| None).collect();
    for round in 0..20 {
        for _ in 0..100 {
            over(&cheap).map(call).run(&pool)?;
        }
        // They wait for one another: on one worker, ten seconds each.
        let both = std::sync::Arc::new(Gate::of(2));
        let passed = over(0..2).map(|_| both.pass()).run(&pool)?;
        assert_eq!(passed, [true, true], "round {round}");
    }
    Ok(())
}

fn every_helper_comes() -> Outcome {
    for workers in [2, 3, 8, 13] {
        let pool = Threads::new().workers(workers);
        for round in 0..200 {
            // Awake, drowsy, asleep; served by all, by some, by none the last time.
            std::thread::sleep(Duration::from_micros([0, 30, 400, 3_000][round % 4]));
            if round % 3 == 0 {
                over(0..round % workers + 1).map(|i| i).run(&pool)?;
            }
            let gate = Gate::of(workers);
            let passed = over(0..workers).map(|_| gate.pass()).run(&pool)?;
            assert!(
                passed.into_iter().all(|it| it),
                "round {round}, {workers} workers"
            );
        }
    }
    Ok(())
}

fn one_value_on_many_threads() -> Outcome {
    let before = threads();
    let pool = Threads::new().workers(3);
    std::thread::scope(|scope| {
        for thread in 0..6_usize {
            let pool = &pool;
            scope.spawn(move || {
                for round in 0..200 {
                    let n = [1, 10, 1_000][round % 3] + thread;
                    let squares = over(0..n).map(|i| i * i).run(pool).expect("a map");
                    assert!(
                        squares
                            .iter()
                            .enumerate()
                            .all(|(i, square)| *square == i * i)
                    );
                }
            });
        }
    });
    drop(pool);
    // Those of the scope may be listed a moment longer.
    for _ in 0..1_000 {
        if threads() == before {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Err(format!("{} threads, {before} before", threads()).into())
}

fn panics_between_maps() -> Outcome {
    let pool = Threads::new().workers(3);
    for round in 0..200 {
        let job = over(0..100).window(4).chunk(Chunks::of(1)).map(|i| i);
        let callback = |index, _| {
            if index == round % 50 {
                resume_unwind(Box::new("enough"));
            }
        };
        let run = || job.for_each(&pool, callback);
        catch_unwind(AssertUnwindSafe(run)).expect_err("the callback panics");
        let gate = Gate::of(3);
        let passed = over(0..3).map(|_| gate.pass()).run(&pool)?;
        assert_eq!(passed, [true; 3], "round {round}");
    }
    Ok(())
}

fn forked_child() -> Outcome {
    let text = scene("forked", &[], "")?;
    assert_eq!(text, "[true, true]\n[true, true]\nchild: 0\n");
    Ok(())
}

fn zero_workers() -> Outcome {
    let threads = Threads::new().workers(0);
    let error = over(0..10)
        .map(|i| i)
        .run(&threads)
        .expect_err("nobody works");
    assert!(error.is_plan(), "{error:?}");
    assert!(error.to_string().contains("0 workers"), "{error}");
    Ok(())
}

// ---- scenes: this executable again, in another environment

const SCENE: &str = "PARTOOLS_TEST_SCENE";

/// What a scene prints, played with the variables `set`, under `limit` (a command for the shell).
fn scene(name: &str, set: &[(&str, &str)], limit: &str) -> Result<String, Failed> {
    let own = std::env::current_exe()?;
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg(format!("{limit} exec \"$0\""))
        .arg(own)
        .env(SCENE, name);
    let output = shell.envs(set.iter().copied()).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    match output.status.success() {
        true => Ok(text),
        false => Err(format!("{name}: {}\n{}", output.status, text).into()),
    }
}

fn play(name: &str) -> ExitCode {
    match name {
        "error" => match over(0..10).map(|i| i).run(&Threads::new()) {
            Ok(_) => println!("no error"),
            Err(error) => println!("{error}"),
        },
        "forked" => forked(),
        "count" => {
            println!(
                "{}",
                workers_for(over(0..1).map(|i| i).task(), &Threads::new())
            );
        }
        "helpers" => {
            // Every item waits a little, so that each helper there is takes one.
            let name_after_a_while = |_| {
                std::thread::sleep(Duration::from_millis(1));
                std::thread::current().name().map(str::to_owned)
            };
            match over(0..1_000)
                .map(name_after_a_while)
                .run(&Threads::new().workers(500))
            {
                Ok(names) => println!("{}", names.into_iter().collect::<BTreeSet<_>>().len()),
                Err(error) => println!("{error}"),
            }
        }
        other => println!("no such scene: {other}"),
    }
    ExitCode::SUCCESS
}

#[allow(clippy::disallowed_methods)] // a host that forks by itself
fn forked() {
    let pool = Threads::new().workers(2);
    let together = |pool: &Threads| {
        let gate = Gate::of(2);
        let passed = over(0..2).map(|_| gate.pass()).run(pool);
        println!("{:?}", passed.expect("a map"));
    };
    together(&pool);
    // SAFETY: the helper rests and holds no lock.
    match unsafe { libc::fork() } {
        0 => {
            together(&pool);
            drop(pool);
        }
        child => {
            let mut status = -1;
            // SAFETY: `status` is a place for an int.
            unsafe { libc::waitpid(child, &raw mut status, 0) };
            println!("child: {status}");
        }
    }
}

fn workers_for<T: Task>(_task: &T, executor: &impl Executor<T>) -> usize {
    executor.capabilities().workers()
}

fn nonsense_in_the_variable() -> Outcome {
    for nonsense in ["0", "-2", "many", "", "2.5"] {
        let text = scene("error", &[("PARTOOLS_WORKERS", nonsense)], "")?;
        assert!(
            text.contains(&format!("PARTOOLS_WORKERS is {nonsense:?}")),
            "{text}"
        );
    }
    Ok(())
}

fn variable_sets_the_number() -> Outcome {
    assert_eq!(scene("count", &[("PARTOOLS_WORKERS", "7")], "")?, "7\n");
    Ok(())
}

fn no_thread_to_be_had() -> Outcome {
    // Stacks of 32 TB: no thread can be started.
    let text = scene("helpers", &[("RUST_MIN_STACK", "35184372088832")], "")?;
    assert_eq!(text, "1\n");
    Ok(())
}

fn few_threads_to_be_had() -> Outcome {
    // 500 stacks of 16 MB are 8 GB; there is room for some of them in 1 GB.
    let text = scene(
        "helpers",
        &[("RUST_MIN_STACK", "16777216")],
        "ulimit -v 1000000;",
    )?;
    let workers: usize = text.trim().parse().map_err(|_| text.clone())?;
    assert!((2..100).contains(&workers), "{workers} workers");
    Ok(())
}

// ---- what the process has

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("Linux").count()
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("Linux").count()
}
