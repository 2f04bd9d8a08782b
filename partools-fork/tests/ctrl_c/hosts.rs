//! The hosts, by the names of their scripts.

use partools_conformance::leaks::Snapshot;
use partools_core::{CancelToken, Chunks, Job, Task, over};
use partools_fork::Fork;
use partools_os::cancel_on_ctrl_c;
use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::sleep;
use std::time::{Duration, Instant};

const FOR_EVER: Duration = Duration::from_secs(60);

/// Presses that the host's own handler heard.
static HEARD: AtomicUsize = AtomicUsize::new(0);

extern "C" fn hear(_: i32) {
    HEARD.fetch_add(1, Relaxed);
}

fn handle(handler: libc::sighandler_t) -> libc::sighandler_t {
    // SAFETY: a function that adds to an atomic, or a constant.
    let old = unsafe { libc::signal(libc::SIGINT, handler) };
    assert_ne!(old, libc::SIG_ERR);
    old
}

fn own_handler() -> libc::sighandler_t {
    let handler: extern "C" fn(i32) = hear;
    handler as libc::sighandler_t
}

/// What SIGINT does now.
fn in_force() -> libc::sighandler_t {
    // SAFETY: all zeros are an action.
    let mut now: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: nothing new is given, and the old is written to memory that is large enough.
    let asked = unsafe { libc::sigaction(libc::SIGINT, std::ptr::null(), &mut now) };
    assert_eq!(asked, 0);
    now.sa_sigaction
}

fn say(words: &str) {
    println!("{words}");
    std::io::stdout().flush().expect("written");
}

pub(crate) fn play(script: &str) -> ExitCode {
    // As a terminal starts it, whoever started the tests: a shell's background jobs ignore SIGINT.
    handle(libc::SIG_DFL);
    match script {
        "cancelled" => cancelled(),
        "deaf" => deaf(),
        "no_guard" => no_guard(),
        "own_handler_ignores" => own_handler_ignores(),
        "own_handler_second" => own_handler_second(),
        "own_handler_back" => own_handler_back(),
        "own_handler_meanwhile" => own_handler_meanwhile(),
        "ignored" => ignored(),
        "two_guards" => two_guards(),
        "storm" => storm(),
        _ => {
            eprintln!("there is no script {script:?}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Eight items: the first two end at once, the others never; the last that is begun says so.
fn endless(token: Option<&CancelToken>) -> Job<impl Task<Output = usize>> {
    let map = over(0..8).chunk(Chunks::of(1));
    let map = match token {
        Some(token) => map.cancel(token),
        None => map,
    };
    map.map(|i| {
        if i >= 2 {
            // Two workers: with item 3 both are at work.
            if i == 3 {
                sleep(Duration::from_millis(50));
                say("working");
            }
            sleep(FOR_EVER);
        }
        i
    })
}

fn fork() -> Fork {
    Fork::new().workers(2)
}

fn cancelled() {
    let before = Snapshot::take();
    let token = CancelToken::new();
    let guard = cancel_on_ctrl_c(&token).expect("a guard");
    let begun = Instant::now();
    let results = endless(Some(&token)).try_run(&fork()).expect("a map");
    drop(guard);
    before.assert_unchanged();
    assert!(token.is_cancelled() && begun.elapsed() < FOR_EVER / 2);
    let finished = results.iter().filter(|result| result.is_ok()).count();
    say(&format!("cancelled, {finished} are finished"));
}

/// Does not end when it is cancelled.
fn deaf() {
    let token = CancelToken::new();
    let _guard = cancel_on_ctrl_c(&token).expect("a guard");
    let error = endless(Some(&token))
        .run(&fork())
        .expect_err("it was cancelled");
    assert!(error.is_cancelled());
    say("cancelled");
    sleep(FOR_EVER);
}

fn no_guard() {
    let _ = endless(None).run(&fork());
}

/// Twenty items that take a while, all of which must arrive.
fn whole() {
    let job = over(0..20).chunk(Chunks::of(1)).map(|i| {
        if i == 3 {
            say("working");
        }
        sleep(Duration::from_millis(50));
        i
    });
    let outputs = job.run(&fork()).expect("nobody stops it");
    assert!(outputs.into_iter().eq(0..20));
}

fn own_handler_ignores() {
    handle(own_handler());
    whole();
    say(&format!("heard {}, all are finished", HEARD.load(Relaxed)));
}

fn wait_until(is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < FOR_EVER / 2);
        sleep(Duration::from_millis(1));
    }
}

fn own_handler_second() {
    handle(own_handler());
    let token = CancelToken::new();
    let guard = cancel_on_ctrl_c(&token).expect("a guard");
    let error = endless(Some(&token))
        .run(&fork())
        .expect_err("it was cancelled");
    assert!(error.is_cancelled());
    say(&format!("cancelled, heard {}", HEARD.load(Relaxed)));
    wait_until(|| HEARD.load(Relaxed) == 1);
    say("heard 1");
    drop(guard);
    assert_eq!(in_force(), own_handler());
}

fn own_handler_back() {
    handle(own_handler());
    let token = CancelToken::new();
    for _ in 0..3 {
        let guard = cancel_on_ctrl_c(&token).expect("a guard");
        assert_ne!(in_force(), own_handler());
        drop(guard);
        assert_eq!(in_force(), own_handler());
    }
    say("ready");
    wait_until(|| HEARD.load(Relaxed) == 1);
    assert!(!token.is_cancelled());
    say("heard 1, not cancelled");
}

fn own_handler_meanwhile() {
    let token = CancelToken::new();
    let guard = cancel_on_ctrl_c(&token).expect("a guard");
    handle(own_handler());
    drop(guard);
    assert_eq!(in_force(), own_handler());
    say("ready");
    wait_until(|| HEARD.load(Relaxed) == 1);
    assert!(!token.is_cancelled());
    say("heard 1, not cancelled");
}

fn ignored() {
    handle(libc::SIG_IGN);
    let token = CancelToken::new();
    let guard = cancel_on_ctrl_c(&token).expect("a guard");
    assert_eq!(in_force(), libc::SIG_IGN);
    whole();
    drop(guard);
    assert!(!token.is_cancelled());
    say("all are finished");
}

fn two_guards() {
    let tokens = [CancelToken::new(), CancelToken::new()];
    let first = cancel_on_ctrl_c(&tokens[0]).expect("a guard");
    let second = cancel_on_ctrl_c(&tokens[1]).expect("a guard");
    say("ready");
    wait_until(|| tokens.iter().all(CancelToken::is_cancelled));
    assert_eq!(in_force(), libc::SIG_DFL);
    // A new one works again beside those.
    let third = CancelToken::new();
    let guard = cancel_on_ctrl_c(&third).expect("a guard");
    // SAFETY: a signal to this process.
    unsafe { libc::raise(libc::SIGINT) };
    assert!(third.is_cancelled());
    drop((first, guard, second));
    assert_eq!(in_force(), libc::SIG_DFL);
    // There is room for many, and an end of it.
    let many: Vec<_> = (0..16)
        .map(|_| cancel_on_ctrl_c(&third).expect("a guard"))
        .collect();
    assert!(cancel_on_ctrl_c(&third).is_err());
    drop(many);
    assert!(cancel_on_ctrl_c(&third).is_ok());
    say("both are cancelled");
}

/// Guards are made and dropped in two threads, while a third sends the signal all the time.
fn storm() {
    handle(own_handler());
    let end = Instant::now() + Duration::from_secs(2);
    std::thread::scope(|scope| {
        let guards = || {
            let mut count = 0_u64;
            while Instant::now() < end {
                let token = CancelToken::new();
                let guard = cancel_on_ctrl_c(&token).expect("a guard");
                if count.is_multiple_of(3) {
                    std::thread::yield_now();
                }
                drop(guard);
                count += 1;
            }
            count
        };
        let workers = [scope.spawn(guards), scope.spawn(guards)];
        while Instant::now() < end {
            // SAFETY: a signal to this process, in whatever thread.
            unsafe { libc::kill(std::process::id().cast_signed(), libc::SIGINT) };
        }
        for worker in workers {
            assert!(worker.join().expect("no panic") > 100);
        }
    });
    assert_eq!(in_force(), own_handler());
}
