//! A process that kills random workers while maps run, and two that keep the processors busy: with retries enough, the
//! whole result arrives. (What chaos may do and may not is `tests/chaos.rs`.)

use crate::stage;
use partools_conformance::leaks::Snapshot;
use partools_core::{Chunks, over};
use partools_fork::Fork;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// How long the script goes on.
const CHAOS: Duration = Duration::from_secs(5);

/// Processes that go with this.
struct Rabble(Vec<Child>);

impl Rabble {
    /// The killer spares the two loops, which it is told.
    fn start() -> Rabble {
        let quiet = |script: &str| -> Command {
            let mut command = stage::play(script);
            command.stdin(Stdio::null()).stdout(Stdio::null());
            command
        };
        let mut rabble = Rabble(Vec::new());
        for _ in 0..2 {
            rabble.0.push(quiet("busy_loop").spawn().expect("a loop"));
        }
        let mut order = format!("killer {}", std::process::id());
        for spared in &rabble.0 {
            order.push_str(&format!(" {}", spared.id()));
        }
        rabble.0.push(quiet(&order).spawn().expect("a killer"));
        rabble
    }
}

impl Drop for Rabble {
    fn drop(&mut self) {
        for process in &mut self.0 {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// Goes when the parent does.
fn go_with_parent() {
    // SAFETY: plain numbers.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
}

pub(crate) fn busy_loop() -> ExitCode {
    go_with_parent();
    loop {
        std::hint::spin_loop();
    }
}

/// A generator of noise: xorshift.
struct Noise(u64);

impl Noise {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below.max(1)
    }
}

/// Kills random children of the process that is named first; those named behind it are spared.
pub(crate) fn killer(order: &str) -> ExitCode {
    go_with_parent();
    let mut named = order.split(' ').filter_map(|pid| pid.parse::<i32>().ok());
    let parent = named.next().expect("a parent");
    let own = i32::try_from(std::process::id()).expect("a process id");
    let spared: Vec<i32> = named.chain([own]).collect();
    let mut noise = Noise(0x9E37_79B9_7F4A_7C15 ^ u64::from(own.unsigned_abs()));
    loop {
        std::thread::sleep(Duration::from_micros(2_000 + noise.next(8_000)));
        let list = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
        let victims: Vec<i32> = list
            .unwrap_or_default()
            .split_whitespace()
            .filter_map(|pid| pid.parse().ok())
            .filter(|pid| !spared.contains(pid))
            .collect();
        if !victims.is_empty() {
            let chosen = usize::try_from(noise.next(victims.len() as u64)).unwrap_or(0);
            kill_child(victims[chosen], parent);
        }
    }
}

/// By pidfd, so that a number that was given to somebody else meanwhile kills nobody.
fn kill_child(pid: i32, parent: i32) {
    // SAFETY: plain numbers.
    let pidfd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    if pidfd < 0 {
        return;
    }
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let is_child = stat
        .rsplit_once(") ")
        .and_then(|(_, rest)| rest.split(' ').nth(1)?.parse().ok())
        == Some(parent);
    if is_child {
        // SAFETY: plain numbers, and no details.
        unsafe { libc::syscall(libc::SYS_pidfd_send_signal, pidfd, libc::SIGKILL, 0, 0) };
    }
    // SAFETY: opened above.
    unsafe { libc::close(i32::try_from(pidfd).unwrap_or(-1)) };
}

fn spin(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        std::hint::spin_loop();
    }
}

fn policy(round: usize) -> Chunks {
    [Chunks::Auto, Chunks::of(1), Chunks::of(7), Chunks::guided()][round % 4]
}

pub(crate) fn chaos_retried() -> ExitCode {
    let rabble = Rabble::start();
    let begun = Instant::now();
    let before = Snapshot::take();
    let mut maps = 0;
    while begun.elapsed() < CHAOS {
        let fork = Fork::new().workers(1 + maps % 4);
        let job = over(0..400)
            .chunk(policy(maps))
            .window(8 + maps % 40)
            .retries(30)
            .map(|i| {
                spin(Duration::from_micros(30));
                i * 2
            });
        if maps % 2 == 0 {
            assert!(
                job.run(&fork)
                    .expect("a map")
                    .into_iter()
                    .eq((0..400).map(|i| i * 2))
            );
        } else {
            let mut next = 0;
            job.for_each(&fork, |i, x| {
                assert_eq!((i, x), (next, next * 2));
                next += 1;
            })
            .expect("a stream");
            assert_eq!(next, 400);
        }
        before.assert_unchanged();
        maps += 1;
    }
    drop(rabble);
    assert!(maps > 1, "{maps} maps");
    ExitCode::SUCCESS
}
