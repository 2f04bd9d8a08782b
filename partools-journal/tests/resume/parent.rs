//! The parent of worker processes is killed at random points, again and again, with a map on `Ipc` under way; the start that comes
//! to its end calls what is missing, and nothing else.
//!
//! ```text
//! start, SIGKILL   start, SIGKILL   start, SIGKILL  ..  start, to the end: "taken added"
//!    calls noted      calls noted      calls noted         as many calls as were added, and no more
//! ```
//! A few kills are a trial of the suite; sixty are one by hand: `cargo test -p partools-journal --test resume -- --ignored`.

use super::{FOLDER, Outcome, folder, output, program, trial};
use libtest_mimic::Trial;
use partools_core::{Chunks, over};
use partools_ipc::Ipc;
use partools_journal::Journal;
use std::fs::{self, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The role of the program that is killed.
pub(crate) const ROLE: &str = "parent";
const ITEMS: usize = 400;
/// Two workers are done with all of them after some 80 ms.
const LATEST: u64 = 90;
/// What a kill may cost: what was finished and not yet written.
const UNDER_WAY: usize = 60;

pub(crate) fn trials() -> Vec<Trial> {
    let few = "after_its_parent_was_killed_a_map_on_ipc_calls_only_what_is_missing";
    let many = "after_its_parent_was_killed_sixty_times_a_map_on_ipc_calls_only_what_is_missing";
    vec![
        trial(few, || killed(6)),
        trial(many, || killed(60)).with_ignored_flag(true),
    ]
}

fn killed(wanted: usize) -> Outcome {
    let seed = RandomState::new().hash_one(0);
    let mut random = Random(seed);
    let (mut kills, mut maps) = (0, 0);
    while kills < wanted {
        maps += 1;
        assert!(maps < 10 * wanted, "it is too fast to be killed: {kills}");
        kills += one_map(&mut random).map_err(|why| format!("seed {seed}, map {maps}: {why}"))?;
    }
    Ok(())
}

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// One journal, from nothing to its end; how often its program was killed on the way.
fn one_map(random: &mut Random) -> Result<usize, String> {
    let folder = folder();
    let notes = folder.path().join("notes");
    let tell = |why: std::io::Error| why.to_string();
    let mut kills = 0;
    loop {
        let before = calls(&notes);
        let mut child = program(ROLE, folder.path()).spawn().map_err(tell)?;
        std::thread::sleep(Duration::from_millis(random.below(LATEST)));
        if kills < 8 && child.try_wait().map_err(tell)?.is_none() {
            child.kill().map_err(tell)?;
            let process = child.id();
            let answer = child.wait_with_output().map_err(tell)?;
            if !answer.status.success() {
                kills += 1;
                wait_for_workers_of(process)?;
                continue;
            }
        } else {
            let answer = child.wait_with_output().map_err(tell)?;
            let said = String::from_utf8_lossy(&answer.stdout).into_owned();
            let numbers: Vec<usize> = said.split_whitespace().flat_map(str::parse).collect();
            let called = calls(&notes) - before;
            return match numbers[..] {
                [taken, added] if taken + added == ITEMS && added == called => {
                    let most = ITEMS + kills * UNDER_WAY;
                    let all = before + called;
                    (all <= most).then_some(kills).ok_or_else(|| {
                        format!("{all} calls for {ITEMS} items: {kills} kills cost too much")
                    })
                }
                _ => Err(format!("{called} calls, and it said {said:?}")),
            };
        }
        // It came to its end as it was killed.
        return Ok(kills);
    }
}

/// They end within a second of their parent's end. Their arguments have its number.
fn wait_for_workers_of(parent: u32) -> Result<(), String> {
    let theirs = format!("\0partools::init\0{parent}\0");
    let lives = || {
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let lines = processes.filter_map(|it| fs::read(it.path().join("cmdline")).ok());
        lines
            .into_iter()
            .any(|line| String::from_utf8_lossy(&line).contains(&theirs))
    };
    let begun = Instant::now();
    while lives() {
        if begun.elapsed() > Duration::from_secs(5) {
            return Err(format!("workers of {parent} live on"));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

fn calls(notes: &Path) -> usize {
    fs::read(notes).map_or(0, |bytes| bytes.len())
}

/// What the killed program does; it says what was taken and added.
#[expect(clippy::print_stdout, reason = "that is how it answers")]
pub(crate) fn play() -> ExitCode {
    let folder = std::env::var(FOLDER).expect("a folder");
    let job = over(0..ITEMS).chunk(Chunks::of(3)).shared(folder.as_str());
    let job = job.map(|item, folder| {
        let notes = OpenOptions::new()
            .append(true)
            .create(true)
            .open(format!("{folder}/notes"));
        notes
            .and_then(|mut notes| notes.write_all(b"x"))
            .expect("a note");
        std::thread::sleep(Duration::from_micros(300));
        output(item)
    });
    let job = job.journal(Path::new(&folder).join("journal"), "parent");
    let resumed = job.run(&Ipc::new().workers(2)).expect("it ran");
    assert!(resumed.outputs.into_iter().eq((0..ITEMS).map(output)));
    println!("{} {}", resumed.account.taken, resumed.account.added);
    ExitCode::SUCCESS
}
