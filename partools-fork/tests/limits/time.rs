//! Items that take too long: told, then killed; by the clock on the wall, or by processor time.

use crate::trials;
use partools_core::{CancelToken, Cause, Chunks, ItemError, over};
use partools_fork::{Fork, Limits};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::sleep;
use std::time::{Duration, Instant};

trials![
    a_late_item_is_told_to_stop_and_goes_at_once,
    a_late_item_that_blocks_term_is_killed_after_the_grace,
    a_late_item_with_a_handler_of_its_own_cleans_up,
    what_a_late_item_returns_after_its_notice_counts_no_more,
    a_late_item_is_tried_again_where_the_plan_says_so,
    no_grace_at_all_kills_at_once,
    a_cancelled_map_waits_for_no_grace,
    items_that_are_near_the_limit_are_late_or_done_and_no_other_is_blamed,
    processor_time_is_counted_by_item_and_sleep_is_free,
    processor_time_of_threads_counts_together,
];

const LIMIT: Duration = Duration::from_millis(100);
const FOR_EVER: Duration = Duration::from_secs(60);

fn limits(grace: u64) -> Limits {
    Limits::new().grace(Duration::from_millis(grace))
}

/// All but item 3 arrive, and it has timed out; how long it had run.
fn only_3_is_late(results: &[Result<usize, ItemError>]) -> Duration {
    let mut time = None;
    for (i, result) in results.iter().enumerate() {
        match result {
            Ok(output) => assert!(*output == i && i != 3),
            Err(error) => match error.cause() {
                Cause::TimedOut { limit, ran } if i == 3 && *limit == LIMIT => time = Some(*ran),
                _ => panic!("{error}"),
            },
        }
    }
    time.expect("item 3 is late")
}

/// Ten items, of which number 3 does `what`.
fn with_3(fork: &Fork, what: impl Fn()) -> Duration {
    let results = over(0..10)
        .chunk(Chunks::of(2))
        .item_timeout(LIMIT)
        .map(|i| {
            if i == 3 {
                what();
            }
            i
        })
        .try_run(fork);
    only_3_is_late(&results.expect("a map"))
}

fn a_late_item_is_told_to_stop_and_goes_at_once() {
    for workers in [1, 3] {
        let fork = Fork::new().workers(workers).limits(limits(30_000));
        let ran = with_3(&fork, || sleep(FOR_EVER));
        assert!(LIMIT <= ran && ran < Duration::from_secs(15), "{ran:?}");
    }
}

/// Blocks SIGTERM in this thread.
fn block_term() {
    // SAFETY: all zeros are a set, emptied before it is used.
    let mut set = unsafe { std::mem::zeroed() };
    // SAFETY: the set lives here.
    unsafe { libc::sigemptyset(&mut set) };
    // SAFETY: as above.
    unsafe { libc::sigaddset(&mut set, libc::SIGTERM) };
    // SAFETY: as above; the old set is not asked for.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut()) };
}

fn handle_term(handler: extern "C" fn(i32)) {
    // SAFETY: the handlers below do what handlers may.
    let old = unsafe { libc::signal(libc::SIGTERM, handler as *const () as libc::sighandler_t) };
    assert_ne!(old, libc::SIG_ERR);
}

fn a_late_item_that_blocks_term_is_killed_after_the_grace() {
    let begun = Instant::now();
    for workers in [1, 3] {
        let fork = Fork::new().workers(workers).limits(limits(200));
        let ran = with_3(&fork, || {
            block_term();
            sleep(FOR_EVER);
        });
        assert!(ran >= LIMIT + Duration::from_millis(200), "{ran:?}");
    }
    assert!(begun.elapsed() < Duration::from_secs(20));
}

/// A file that a child removes when it is told to stop.
fn lock_file() -> PathBuf {
    std::env::temp_dir().join(format!("partools-late-{}", std::process::id()))
}

static PATH: std::sync::OnceLock<std::ffi::CString> = std::sync::OnceLock::new();

extern "C" fn clean_up_and_exit(_: i32) {
    if let Some(path) = PATH.get() {
        // SAFETY: a string that lives for ever.
        unsafe { libc::unlink(path.as_ptr()) };
    }
    // SAFETY: a signal to itself, which ends it.
    unsafe { libc::raise(libc::SIGKILL) };
}

fn a_late_item_with_a_handler_of_its_own_cleans_up() {
    let path = lock_file();
    let text = path.to_str().expect("a plain path");
    PATH.get_or_init(|| std::ffi::CString::new(text).expect("no zero in it"));
    let fork = Fork::new().workers(2).limits(limits(10_000));
    let ran = with_3(&fork, || {
        std::fs::write(&path, "taken").expect("written");
        handle_term(clean_up_and_exit);
        sleep(FOR_EVER);
    });
    assert!(!path.exists(), "the handler had no time");
    assert!(ran < Duration::from_secs(9), "{ran:?}");
}

static TOLD: AtomicBool = AtomicBool::new(false);

extern "C" fn note(_: i32) {
    TOLD.store(true, Relaxed);
}

fn what_a_late_item_returns_after_its_notice_counts_no_more() {
    for workers in [1, 3] {
        for panics in [false, true] {
            let fork = Fork::new().workers(workers).limits(limits(10_000));
            let begun = Instant::now();
            with_3(&fork, || {
                handle_term(note);
                while !TOLD.load(Relaxed) {
                    sleep(Duration::from_millis(1));
                }
                assert!(!panics, "interrupted");
            });
            assert!(
                begun.elapsed() < Duration::from_secs(9),
                "it waited for the grace"
            );
        }
    }
    assert!(!TOLD.load(Relaxed), "that was a child's own");
}

fn a_late_item_is_tried_again_where_the_plan_says_so() {
    let results = over(0..10)
        .item_timeout(LIMIT)
        .retries(1)
        .map_cx(|i, cx| {
            if i == 3 || (i == 5 && cx.attempt == 0) {
                sleep(FOR_EVER);
            }
            i
        })
        .try_run(&Fork::new().workers(2));
    let results = results.expect("a map");
    only_3_is_late(&results);
    let error = results[3].as_ref().expect_err("twice late");
    assert_eq!(error.attempt(), 1, "{error}");
}

fn no_grace_at_all_kills_at_once() {
    let fork = Fork::new().workers(2).limits(limits(0));
    let ran = with_3(&fork, || {
        block_term();
        sleep(FOR_EVER);
    });
    assert!(ran < Duration::from_secs(10), "{ran:?}");
}

fn a_cancelled_map_waits_for_no_grace() {
    static CANCELLED: AtomicBool = AtomicBool::new(false);
    extern "C" fn cancel(_: i32) {
        CANCELLED.store(true, Relaxed);
    }
    let token = CancelToken::from(&CANCELLED);
    // SAFETY: a handler that stores to an atomic; put back below.
    let old = unsafe { libc::signal(libc::SIGUSR1, cancel as *const () as libc::sighandler_t) };
    let begun = Instant::now();
    let parent = std::process::id();
    let job = over(0..4).cancel(&token).item_timeout(LIMIT).map(|i| {
        block_term();
        sleep(LIMIT * 2);
        // By now it was told to stop, and has all of its grace before it.
        // SAFETY: a signal to the parent, which handles it.
        unsafe { libc::kill(parent.cast_signed(), libc::SIGUSR1) };
        sleep(FOR_EVER);
        i
    });
    let error = job.run(&Fork::new().workers(2).limits(limits(30_000)));
    let error = error.expect_err("it was cancelled");
    // SAFETY: what it was.
    unsafe { libc::signal(libc::SIGUSR1, old) };
    assert!(error.is_cancelled(), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(15));
}

/// The notice meets items that end at that very moment, and their successors.
fn items_that_are_near_the_limit_are_late_or_done_and_no_other_is_blamed() {
    let limit = Duration::from_millis(8);
    for workers in [1, 2, 4] {
        let results = over(0..60)
            .chunk(Chunks::of(6))
            .item_timeout(limit)
            .map(|i| {
                if i % 3 == 1 {
                    sleep(limit);
                }
                i
            })
            .try_run(&Fork::new().workers(workers))
            .expect("a map");
        for (i, result) in results.iter().enumerate() {
            match result {
                Ok(output) => assert_eq!(*output, i),
                Err(error) => {
                    let is_late =
                        matches!(error.cause(), Cause::TimedOut { ran, .. } if *ran >= limit);
                    assert!(is_late, "{error}");
                }
            }
        }
    }
}

fn burn(time: Duration) {
    let begun = partools_os::cpu_time();
    while partools_os::cpu_time() - begun < time {
        std::hint::spin_loop();
    }
}

/// Which items failed; all of them for their processor time.
fn too_costly(results: &[Result<usize, ItemError>], limit: Duration) -> Vec<usize> {
    let failed = results.iter().filter_map(|result| result.as_ref().err());
    failed
        .map(|error| match error.cause() {
            Cause::CpuTime { limit: l, used } if *l == limit && *used >= limit => error.index(),
            _ => panic!("{error}"),
        })
        .collect()
}

fn processor_time_is_counted_by_item_and_sleep_is_free() {
    let limit = Duration::from_millis(200);
    let results = over(0..12)
        .chunk(Chunks::of(6))
        .map(|i| {
            match i {
                3 => burn(Duration::from_secs(60)),
                4 => sleep(limit * 2),
                // All together more than the limit, and each less.
                _ => burn(limit / 4),
            }
            i
        })
        .try_run(&Fork::new().workers(2).limits(Limits::new().cpu_time(limit)))
        .expect("a map");
    assert_eq!(too_costly(&results, limit), [3]);
}

fn processor_time_of_threads_counts_together() {
    let limit = Duration::from_millis(300);
    let results = over(0..4)
        .chunk(Chunks::of(1))
        .map(|i| {
            if i == 1 {
                std::thread::scope(|scope| {
                    for _ in 0..3 {
                        scope.spawn(|| burn(Duration::from_secs(60)));
                    }
                });
            }
            i
        })
        .try_run(&Fork::new().workers(2).limits(Limits::new().cpu_time(limit)))
        .expect("a map");
    assert_eq!(too_costly(&results, limit), [1]);
}
