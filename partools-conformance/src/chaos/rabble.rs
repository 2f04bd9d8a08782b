//! The company that maps of chaos keep: processes that take the processors from it, and one that kills its workers.
//!
//! They are this program, started again with an order in the environment; they go when the parent does.

use crate::tasks::mix;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

/// With this in the environment the program is one of the rabble.
const ORDER: &str = "PARTOOLS_CHAOS_ORDER";

/// Carries out the order that this process was started with, if it was.
pub(super) fn play() -> Option<ExitCode> {
    let order = std::env::var(ORDER).ok()?;
    // What cannot be set leaves a process that somebody must kill by hand; the parent does, on all ways out but death.
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    match order.as_str() {
        "loop" => loop {
            std::hint::spin_loop();
        },
        order => kill_workers(order),
    }
}

fn start(order: &str, stdout: Stdio) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .env(ORDER, order)
        .stdin(Stdio::null())
        .stdout(stdout);
    command.spawn().expect("a process of chaos")
}

fn end(process: &mut Child) {
    let _ = process.kill();
    let _ = process.wait();
}

/// Two processes that do nothing, as fast as they can.
pub(super) struct Loops([Child; 2]);

impl Loops {
    pub(super) fn start() -> Self {
        Loops([(); 2].map(|()| start("loop", Stdio::null())))
    }
}

impl Drop for Loops {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(end);
    }
}

/// A process that kills random children of this one at random moments.
pub(super) struct Killer(Child);

impl Killer {
    /// It spares `loops`, and itself.
    pub(super) fn start(seed: u64, loops: &Option<Loops>) -> Self {
        let mut order = format!("{} {seed}", std::process::id());
        for spared in loops.iter().flat_map(|loops| &loops.0) {
            order.push_str(&format!(" {}", spared.id()));
        }
        Killer(start(&order, Stdio::piped()))
    }

    /// How many it killed.
    pub(super) fn end(mut self) -> usize {
        end(&mut self.0);
        let mut marks = Vec::new();
        if let Some(mut stdout) = self.0.stdout.take() {
            let _ = stdout.read_to_end(&mut marks);
        }
        marks.len()
    }
}

impl Drop for Killer {
    fn drop(&mut self) {
        end(&mut self.0);
    }
}

/// The order: a parent, a seed, and whom to spare. A byte goes to standard output for each that was killed.
fn kill_workers(order: &str) -> ! {
    let mut told = order
        .split(' ')
        .filter_map(|number| number.parse::<u64>().ok());
    let (parent, seed) = (told.next().expect("a parent"), told.next().expect("a seed"));
    let spared: Vec<u64> = told.chain([u64::from(std::process::id())]).collect();
    let mut noise = seed;
    let mut draw = |below: u64| {
        noise = mix(usize::try_from(noise).unwrap_or(0)).wrapping_add(1);
        noise % below.max(1)
    };
    let mut stdout = std::io::stdout();
    loop {
        // Slowly enough that a worker gets to its first item, also where the processors are taken.
        std::thread::sleep(Duration::from_micros(2_000 + draw(10_000)));
        let list = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
        let list = list.unwrap_or_default();
        let children = list.split(' ').filter_map(|pid| pid.parse().ok());
        let victims: Vec<u64> = children.filter(|pid| !spared.contains(pid)).collect();
        let chosen = usize::try_from(draw(victims.len() as u64)).unwrap_or(0);
        if let Some(&victim) = victims.get(chosen)
            && kill(victim, parent)
        {
            let killed = stdout.write_all(b"x").and_then(|()| stdout.flush());
            killed.expect("somebody counts");
        }
    }
}

/// By pidfd, so that a number that was given to somebody else meanwhile kills nobody. True where it lived until then.
fn kill(victim: u64, parent: u64) -> bool {
    let victim = i32::try_from(victim).ok().and_then(Pid::from_raw);
    let Some(victim) = victim else { return false };
    let Ok(pidfd) = pidfd_open(victim, PidfdFlags::empty()) else {
        return false;
    };
    let stat = std::fs::read(format!("/proc/{}/stat", victim.as_raw_pid())).unwrap_or_default();
    let stat = String::from_utf8_lossy(&stat);
    let mut fields = stat
        .rsplit_once(") ")
        .map_or("", |(_, rest)| rest)
        .split(' ');
    let is_child = fields.nth(1).and_then(|pid| pid.parse().ok()) == Some(parent);
    is_child && lives(&pidfd) && pidfd_send_signal(&pidfd, Signal::KILL).is_ok()
}

fn lives(pidfd: &OwnedFd) -> bool {
    let mut ended = [PollFd::new(pidfd, PollFlags::IN)];
    poll(&mut ended, Some(&Timespec::default())).is_ok_and(|ready| ready == 0)
}
