//! Workers in a control group with little memory: one that this program makes, where the system lets it. The map runs in a
//! process of its own that joins the group, so that the group holds nothing else.

use libtest_mimic::{Failed, Trial};
use partools_core::{Cause, Chunks, MemoryBound, Report, over};
use partools_fork::{Fork, Limits};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// With this in the environment, the program plays a script; the group is in the other one.
const SCRIPT: &str = "PARTOOLS_FORK_GROUP_SCRIPT";
const GROUP: &str = "PARTOOLS_FORK_GROUP";
const MB: u64 = 1 << 20;

/// What the group may take. Two of the items below fit, beside what is to stay free, and three do not.
const LIMIT: u64 = 700 * MB;
const RESERVE: u64 = 200 * MB;
const ITEM: u64 = 200 * MB;

pub(crate) fn trials() -> Vec<Trial> {
    let play = |name: &str, script: &'static str| {
        Trial::test(name, move || match Group::make() {
            Ok(group) => group.play(script),
            Err(why) => {
                eprintln!(
                    "SKIPPED {script:?}: no control group for memory can be made here: {why}"
                );
                Ok(())
            }
        })
    };
    vec![
        play(
            "when_a_group_runs_short_the_map_goes_on_with_fewer_workers",
            "fewer",
        ),
        play(
            "an_item_that_no_group_could_hold_is_named_before_the_kernel_kills",
            "too_much",
        ),
    ]
}

/// The script of this process, if it has one.
pub(crate) fn script() -> Option<ExitCode> {
    let script = std::env::var(SCRIPT).ok()?;
    let group = std::env::var(GROUP).expect("a group");
    let pid = std::process::id().to_string();
    std::fs::write(Path::new(&group).join("cgroup.procs"), pid).expect("it can be joined");
    match script.as_str() {
        "fewer" => fewer(),
        _ => too_much(),
    }
    Some(ExitCode::SUCCESS)
}

/// Slowly enough that a busy machine keeps up.
fn hoard(bytes: u64) -> Vec<u8> {
    let bytes = usize::try_from(bytes).expect("it fits");
    let mut taken = Vec::with_capacity(bytes);
    while taken.len() < bytes {
        taken.resize(taken.len() + (1 << 20), 1);
        sleep(Duration::from_micros(500));
    }
    black_box(taken)
}

fn fork() -> Fork {
    Fork::new()
        .workers(5)
        .limits(Limits::new().reserve(RESERVE))
}

fn fewer() {
    let report = Report::new();
    let job = over(0..12).observe(&report).chunk(Chunks::of(1)).map(|i| {
        let taken = hoard(ITEM);
        sleep(Duration::from_millis(50));
        i * taken.len().min(1)
    });
    let outputs = job.run(&fork()).expect("all fit, if not at once");
    assert!(outputs.into_iter().eq(0..12));
    let summary = report.summary();
    let warnings = summary.warnings.join("\n");
    assert!(
        warnings.contains("the map went on with 4 workers: a worker was killed for want of memory"),
        "{warnings}"
    );
}

fn too_much() {
    let job = over(0..8).chunk(Chunks::of(1)).map(|i| {
        let taken = hoard(if i == 3 { 10 * LIMIT } else { MB });
        i * taken.len().min(1)
    });
    let results = job.try_run(&fork()).expect("a map");
    for (i, result) in results.iter().enumerate() {
        match result {
            Ok(output) => assert!(*output == i && i != 3),
            Err(error) => match error.cause() {
                Cause::Memory {
                    grown,
                    bound: MemoryBound::Reserve { reserve, left },
                } => assert!(
                    i == 3 && *reserve == RESERVE && left < reserve && *grown > 100 * MB,
                    "{error}"
                ),
                _ => panic!("{error}"),
            },
        }
    }
}

/// A control group that this program made. Dropping it removes it.
struct Group(PathBuf);

impl Group {
    fn make() -> std::io::Result<Group> {
        let own = std::fs::read_to_string("/proc/self/cgroup")?;
        let path = |name: &str| {
            let mut groups = own
                .lines()
                .map(|line| line.splitn(3, ':').skip(1).collect::<Vec<_>>());
            groups
                .find(|group| group[0] == name)
                .map(|group| group[1].trim_matches('/').to_owned())
        };
        let (top, limit) = match path("memory") {
            Some(path) => (
                Path::new("/sys/fs/cgroup/memory").join(path),
                "memory.limit_in_bytes",
            ),
            None => (
                Path::new("/sys/fs/cgroup").join(path("").unwrap_or_default()),
                "memory.max",
            ),
        };
        let group = Group(top.join(format!("partools-test-{}", std::process::id())));
        std::fs::create_dir(&group.0)?;
        if !group.0.join(limit).exists() {
            return Err(std::io::Error::other(format!(
                "{} has no {limit}",
                group.0.display()
            )));
        }
        std::fs::write(group.0.join(limit), LIMIT.to_string())?;
        Ok(group)
    }

    /// How often the kernel killed somebody in it.
    fn kills(&self) -> u64 {
        let read = |name| std::fs::read_to_string(self.0.join(name));
        let text = read("memory.oom_control")
            .or_else(|_| read("memory.events"))
            .expect("events");
        let line = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
        line.expect("a line").trim().parse().expect("a number")
    }

    fn play(&self, script: &str) -> Result<(), Failed> {
        let played = Command::new(std::env::current_exe().expect("this program"))
            .env(SCRIPT, script)
            .env(GROUP, &self.0)
            .stdin(Stdio::null())
            .output()
            .expect("it starts");
        let said = String::from_utf8_lossy(&played.stderr);
        assert!(played.status.success(), "{}: {said}", played.status);
        assert_eq!(self.kills(), 0, "the kernel had to kill somebody");
        Ok(())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // A process that was killed a moment ago may still be listed.
        for _ in 0..1000 {
            if std::fs::remove_dir(&self.0).is_ok() {
                return;
            }
            sleep(Duration::from_millis(2));
        }
    }
}
