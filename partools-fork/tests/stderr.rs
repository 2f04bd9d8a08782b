//! What workers write to standard error, in the error of an item: whole characters, the last of much, passed on or swallowed;
//! and nobody is held up by it. On the main thread, one trial after the other; after each, nothing may be left.

#![expect(clippy::print_stderr, reason = "what is written is what is tested")]

use libtest_mimic::{Arguments, Failed, Trial};
use partools_conformance::leaks::Snapshot;
use partools_core::{Cause, Chunks, ItemError, over};
use partools_fork::{Capture, Fork};
use std::io::Write;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// With this in the environment the test program is a script: its standard error is what is looked at.
const SCRIPT: &str = "PARTOOLS_FORK_STDERR_SCRIPT";
const KEPT: usize = 4096;

fn main() -> ExitCode {
    if let Ok(script) = std::env::var(SCRIPT) {
        return play(&script);
    }
    std::panic::set_hook(Box::new(|_| {}));
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    libtest_mimic::run(&arguments, trials()).exit_code()
}

/// Names a trial after its function.
macro_rules! trials {
    ($($test:ident),* $(,)?) => {
        fn trials() -> Vec<Trial> {
            vec![$(Trial::test(stringify!($test), || {
                let before = Snapshot::take();
                $test();
                before.assert_unchanged();
                Ok::<(), Failed>(())
            })),*]
        }
    };
}

trials![
    what_rust_c_and_programs_wrote_is_in_the_error,
    the_words_with_which_glibc_aborts_are_in_the_error,
    an_item_that_panics_has_the_words_of_its_worker,
    a_late_item_has_the_words_of_its_worker,
    the_last_4_kb_of_megabytes_are_kept_and_nobody_hangs,
    a_worker_that_writes_while_the_parent_is_busy_waits_and_goes_on,
    characters_are_not_cut_in_two,
    without_capture_nothing_is_kept,
    what_is_passed_on_arrives_once_and_what_is_swallowed_does_not,
    a_program_that_outlives_its_worker_holds_up_nothing,
    a_host_without_standard_error_is_none_the_poorer,
];

fn swallowing(workers: usize) -> Fork {
    Fork::new()
        .workers(workers)
        .capture_stderr(Capture::Swallow)
}

/// The failure of item 3, which must be the only one.
fn only_3_fails(results: &[Result<usize, ItemError>]) -> &ItemError {
    for (i, result) in results.iter().enumerate() {
        assert_eq!(result.is_err(), i == 3, "{result:?}");
    }
    results[3].as_ref().expect_err("it fails")
}

/// Eight items on a capturing fork, of which number 3 does `what` and aborts; its words.
fn words_on(workers: usize, what: impl Fn()) -> String {
    let job = over(0..8).chunk(Chunks::of(2)).map(|i| {
        if i == 3 {
            what();
            std::process::abort();
        }
        i
    });
    let results = job.try_run(&swallowing(workers)).expect("a map");
    let words = only_3_fails(&results).stderr();
    words.unwrap_or_default().to_owned()
}

/// As [`words_on`] one worker, and on three.
fn words_of(what: impl Fn()) -> String {
    words_on(1, &what);
    words_on(3, &what)
}

fn what_rust_c_and_programs_wrote_is_in_the_error() {
    let words = words_of(|| {
        eprint!("rust ");
        // SAFETY: a string; what C writes there it writes at once.
        unsafe { libc::perror(c"C".as_ptr()) };
        let told = Command::new("sh").args(["-c", "echo program >&2"]).status();
        assert!(told.expect("a shell").success());
    });
    assert!(
        words.starts_with("rust C: ") && words.ends_with("\nprogram\n"),
        "{words:?}"
    );
}

fn the_words_with_which_glibc_aborts_are_in_the_error() {
    if !cfg!(target_env = "gnu") {
        eprintln!("SKIPPED: this is not glibc");
        return;
    }
    let job = over(0..8).map(|i| {
        if i == 3 {
            // SAFETY: a plain allocation.
            let block = unsafe { libc::malloc(24) };
            let block = std::hint::black_box(block);
            // SAFETY: it is ours.
            unsafe { libc::free(block) };
            // SAFETY: none: freeing it twice is the crash.
            unsafe { libc::free(block) };
        }
        i
    });
    let results = job.try_run(&swallowing(2)).expect("a map");
    let error = only_3_fails(&results);
    assert!(
        matches!(error.cause(), Cause::Killed { name, .. } if name == "SIGABRT"),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains("; the worker's last words: free(): double free"),
        "{error}"
    );
}

fn an_item_that_panics_has_the_words_of_its_worker() {
    for workers in [1, 3] {
        let job = over(0..8).chunk(Chunks::of(4)).map(|i| {
            eprintln!("item {i}");
            assert!(i != 3, "no");
            i
        });
        let results = job.try_run(&swallowing(workers)).expect("a map");
        let words = only_3_fails(&results)
            .stderr()
            .expect("it wrote")
            .to_owned();
        assert!(words.contains("item 3\n"), "{words:?}");
    }
}

fn a_late_item_has_the_words_of_its_worker() {
    let job = over(0..8)
        .item_timeout(Duration::from_millis(100))
        .map(|i| {
            if i == 3 {
                eprintln!("waiting for the lock");
                std::thread::sleep(Duration::from_secs(60));
            }
            i
        });
    let results = job.try_run(&swallowing(2)).expect("a map");
    assert_eq!(
        only_3_fails(&results).stderr(),
        Some("waiting for the lock\n")
    );
}

fn the_last_4_kb_of_megabytes_are_kept_and_nobody_hangs() {
    let begun = Instant::now();
    let much: Vec<u8> = (0..400_000)
        .flat_map(|n| format!("{n:09}\n").into_bytes())
        .collect();
    // All of them, and one that fails: four megabytes each.
    for workers in [1, 2, 4] {
        let job = over(0..8).chunk(Chunks::of(1)).map(|i| {
            std::io::stderr().write_all(&much).expect("written");
            if i == 3 {
                std::process::abort();
            }
            i
        });
        let results = job.try_run(&swallowing(workers)).expect("a map");
        let words = only_3_fails(&results).stderr().expect("it wrote");
        assert_eq!(words.as_bytes(), &much[much.len() - KEPT..]);
    }
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
}

fn a_worker_that_writes_while_the_parent_is_busy_waits_and_goes_on() {
    let much = [b'x'; 300_000];
    let mut next = 0;
    let job = over(0..12).chunk(Chunks::of(1)).window(4).map(|i| {
        std::io::stderr().write_all(&much).expect("written");
        i
    });
    let done = job.for_each(&swallowing(3), |index, output| {
        assert_eq!((index, output), (next, next));
        next += 1;
        std::thread::sleep(Duration::from_millis(20));
    });
    done.expect("a stream");
    assert_eq!(next, 12);
}

fn characters_are_not_cut_in_two() {
    for (text, count) in [("ä", 4000), ("€", 3001), ("𝄞", 2000), ("x€", 2003)] {
        let words = words_of(|| eprint!("{}", text.repeat(count)));
        let all = text.repeat(count);
        assert!(all.ends_with(&words) && words.len() > KEPT - 4 && words.len() <= KEPT);
    }
    // Half a character at the end, and what is no text at all.
    let words = words_of(|| _ = std::io::stderr().write_all(b"so \xFF far\xE2\x82"));
    assert!(words.starts_with("so \u{FFFD} far"), "{words:?}");
}

fn without_capture_nothing_is_kept() {
    let job = over(0..8).map(|i| if i == 3 { std::process::abort() } else { i });
    let results = job.try_run(&Fork::new().workers(2)).expect("a map");
    let error = only_3_fails(&results);
    assert_eq!(error.stderr(), None);
    assert!(error.to_string().ends_with("SIGABRT"), "{error}");
}

/// Plays a script; its standard error.
fn played(script: &str) -> String {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program)
        .env(SCRIPT, script)
        .stdin(Stdio::null())
        .output()
        .expect("the script runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success(),
        "{script}: {}: {said}",
        output.status
    );
    said
}

fn play(script: &str) -> ExitCode {
    let capture = match script {
        "pass_on" => Capture::PassOn,
        _ => Capture::Swallow,
    };
    if script == "closed" {
        // SAFETY: nothing here owns it.
        unsafe { libc::close(2) };
    }
    let job = over(0..50).map(|i| {
        eprintln!("<{i}>");
        if i % 10 == 3 {
            std::process::abort();
        }
        i
    });
    let results = job.try_run(&Fork::new().workers(3).capture_stderr(capture));
    let results = results.expect("a map");
    for (i, result) in results.iter().enumerate() {
        let words = result
            .as_ref()
            .err()
            .map(|error| error.stderr().unwrap_or("nothing").to_owned());
        assert_eq!(words.is_some(), i % 10 == 3);
        assert!(words.is_none_or(|words| words.ends_with(&format!("<{i}>\n"))));
    }
    if script == "closed" {
        // SAFETY: a plain number.
        let there = unsafe { libc::fcntl(2, libc::F_GETFD) };
        assert_eq!(there, -1, "somebody took its place");
    }
    ExitCode::SUCCESS
}

fn what_is_passed_on_arrives_once_and_what_is_swallowed_does_not() {
    let said = played("pass_on");
    for i in 0..50 {
        assert_eq!(said.matches(&format!("<{i}>")).count(), 1, "{i} in {said}");
    }
    assert_eq!(played("swallow"), "");
}

fn a_host_without_standard_error_is_none_the_poorer() {
    assert_eq!(played("closed"), "");
}

fn a_program_that_outlives_its_worker_holds_up_nothing() {
    for workers in [1, 3] {
        let begun = Instant::now();
        let words = words_on(workers, || {
            let program = Command::new("sleep").arg("60").stdin(Stdio::null()).spawn();
            eprintln!("{}", program.expect("sleep").id());
        });
        assert!(begun.elapsed() < Duration::from_secs(20));
        let program: i32 = words.trim().parse().expect("a process id");
        // SAFETY: a signal to the program that was started above, and whose end nobody else waits for.
        unsafe { libc::kill(program, libc::SIGKILL) };
    }
}
