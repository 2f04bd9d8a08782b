//! Workers that spoil single numbers which others wait for, or die at the most awkward moment.

use crate::jobs::{exit, kill_self, name};
use partools_conformance::leaks::Snapshot;
use partools_core::{Chunks, Error, ItemError, over};
use partools_fork::Fork;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// What is shared and writable in a child: the first word of each range of memory, and its length.
fn shared() -> Vec<(&'static AtomicU64, usize)> {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("maps");
    let ranges = maps
        .lines()
        .filter(|line| line.contains("rw-s"))
        .map(|line| {
            let (start, rest) = line.split_once('-').expect("two ends");
            let end = rest.split(' ').next().expect("an end");
            let hex = |text| usize::from_str_radix(text, 16).expect("an address");
            let (start, end) = (hex(start), hex(end));
            // SAFETY: mapped for as long as the child lives, aligned to a page, and reached by atomics of this size there.
            (unsafe { &*(start as *const AtomicU64) }, end - start)
        });
    ranges.collect()
}

/// The counter that claims are made from: the small region that holds a small number. None once the parent, who has all that
/// it waits for, has closed it: then it holds the largest.
fn open_counter() -> Option<&'static AtomicU64> {
    let small = |word: &AtomicU64| word.load(Relaxed) < 1 << 20;
    let mut all = shared().into_iter();
    let found = all.find(|(word, bytes)| *bytes < 1 << 16 && small(word));
    found.map(|(counter, _)| counter)
}

fn counter() -> &'static AtomicU64 {
    open_counter().expect("a counter")
}

/// Says true to one process of all that ask, ever.
struct Once(PathBuf);

impl Once {
    fn new(name: &str) -> Once {
        let file = format!("partools-hosts-{name}-{}", std::process::id());
        Once(std::env::temp_dir().join(file))
    }

    fn is_first(&self) -> bool {
        std::fs::File::create_new(&self.0).is_ok()
    }
}

impl Drop for Once {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A stream of 1000 in which item 30, once, does something to the counter. It must arrive whole.
fn stream_with(name: &str, spoil: impl Fn(&AtomicU64)) {
    for (workers, chunk) in [(1, 1), (2, 1), (3, 4)] {
        let before = Snapshot::take();
        let once = Once::new(name);
        let mut next = 0;
        let job = over(0..1000).window(64).chunk(Chunks::of(chunk)).map(|i| {
            if i == 30 && once.is_first() {
                spoil(counter());
            }
            i
        });
        job.for_each(&Fork::new().workers(workers), |i, x| {
            assert_eq!((i, x), (next, next));
            next += 1;
        })
        .expect("a stream");
        assert_eq!(next, 1000);
        drop(once);
        let once = Once::new(name);
        let job = over(0..1000).chunk(Chunks::of(chunk)).map(|i| {
            if i == 30 && once.is_first() {
                spoil(counter());
            }
            i
        });
        let outputs = job.run(&Fork::new().workers(workers)).expect("a map");
        assert!(outputs.into_iter().eq(0..1000));
        before.assert_unchanged();
    }
}

pub(crate) fn skipping_counter() -> ExitCode {
    stream_with("skip", |counter| counter.store(500, Relaxed));
    stream_with("jump", |counter| _ = counter.fetch_add(3, Relaxed));
    ExitCode::SUCCESS
}

/// Also where it is set back each time that the item is repeated.
pub(crate) fn counter_set_back() -> ExitCode {
    for workers in [1, 2, 3] {
        let once = Once::new("again");
        let map = over(0..100).chunk(Chunks::of(1)).map(|i| {
            if i == 37 {
                let is_first = once.is_first();
                match open_counter() {
                    Some(counter) => counter.store(0, Relaxed),
                    None => assert!(!is_first, "there is no counter"),
                }
            }
            i
        });
        let outputs = map.run(&Fork::new().workers(workers)).expect("a map");
        assert!(outputs.into_iter().eq(0..100));
    }
    stream_with("back", |counter| counter.store(3, Relaxed));
    ExitCode::SUCCESS
}

/// A single word of the ring, by which the child alone knows how full it is.
pub(crate) fn wild_tail() -> ExitCode {
    let results = over(0..300)
        .map(|i| {
            if i == 5 {
                let (ring, _) = shared()
                    .into_iter()
                    .find(|(_, bytes)| *bytes > 1 << 20)
                    .expect("a ring");
                // 128 bytes of halves, then the words, of which this is number 16.
                let tail = (&raw const *ring).wrapping_add(16 + 16);
                // SAFETY: inside the ring, which is longer than a megabyte.
                let tail = unsafe { &*tail };
                tail.store(1 << 60, Relaxed);
            }
            vec![i; 2000]
        })
        .try_run(&Fork::new().workers(1))
        .expect("a map");
    for (i, result) in results.iter().enumerate() {
        match result {
            Ok(output) => assert_eq!(output, &[i; 2000]),
            Err(error) => assert_eq!(i, 5, "an innocent item was blamed: {error}"),
        }
    }
    ExitCode::SUCCESS
}

/// The head is lost while the ring is full and was not read yet: there is nothing to be seen, and no room.
pub(crate) fn lost_head() -> ExitCode {
    let results = over(0..100)
        .map(|i| {
            let ring = shared().into_iter().find(|(_, bytes)| *bytes > 1 << 20);
            let first = &raw const *ring.expect("a ring").0;
            // The flag of a sleeping reader, which then sleeps on; and behind 128 bytes of halves, the head.
            // SAFETY: inside the ring.
            let asleep = unsafe { &*first };
            // SAFETY: likewise.
            let head = unsafe { &*first.wrapping_add(16) };
            if i == 0 {
                asleep.store(0, Relaxed);
            }
            if (40..60).contains(&i) {
                head.store(0, Relaxed);
            }
            vec![i; 2500]
        })
        .try_run(&Fork::new().workers(1))
        .expect("a map");
    for (i, result) in results.iter().enumerate() {
        match result {
            Ok(output) => assert_eq!(output, &[i; 2500]),
            Err(error) => assert!((40..60).contains(&i), "an innocent item: {error}"),
        }
    }
    ExitCode::SUCCESS
}

pub(crate) fn full_rings() -> ExitCode {
    let before = Snapshot::take();
    let caught = std::panic::catch_unwind(|| {
        over(0..400).window(400).map(|i| vec![i; 25_000]).for_each(
            &Fork::new().workers(3),
            |i, _| {
                std::thread::sleep(Duration::from_millis(300));
                assert!(i < 1, "enough");
            },
        )
    });
    assert_eq!(caught.expect_err("a panic").downcast_ref(), Some(&"enough"));
    before.assert_unchanged();
    // The state of one worker fails while the other ones are stuck.
    let map = over(0..400)
        .state(|worker| {
            if worker == 2 {
                std::thread::sleep(Duration::from_millis(100));
                exit(9);
            }
        })
        .map_cx(|i, _| vec![i; 250_000]);
    let error = map.try_run(&Fork::new().workers(3)).expect_err("no state");
    assert!(
        error.is_start() && error.to_string().contains("exit code 9"),
        "{error}"
    );
    before.assert_unchanged();
    ExitCode::SUCCESS
}

struct Fatal(i32);

impl Drop for Fatal {
    fn drop(&mut self) {
        kill_self(self.0);
    }
}

/// By SIGKILL, which comes from outside (the system when memory runs out, an operator): all outputs are there.
pub(crate) fn killed_at_the_end() -> ExitCode {
    let before = Snapshot::take();
    let end_by = |signal: i32| -> Result<Vec<usize>, Error> {
        let map = over(0..100).state(move |_| Fatal(signal)).map_cx(|i, _| i);
        map.run(&Fork::new().workers(3))
    };
    let outputs = end_by(libc::SIGKILL).expect("all items were done");
    assert!(outputs.into_iter().eq(0..100));
    assert!(
        end_by(libc::SIGBUS)
            .expect_err("its own fault")
            .to_string()
            .contains("SIGBUS")
    );
    before.assert_unchanged();
    ExitCode::SUCCESS
}

pub(crate) fn killed_at_the_start() -> ExitCode {
    let before = Snapshot::take();
    let once = Once::new("start");
    let map = over(0..100)
        .state(|_| {
            if once.is_first() {
                kill_self(libc::SIGKILL);
            }
        })
        .map_cx(|i, _| i);
    for workers in [1, 3] {
        let outputs = map
            .run(&Fork::new().workers(workers))
            .expect("a second worker");
        assert!(outputs.into_iter().eq(0..100));
        std::fs::remove_file(&once.0).expect("it was there");
    }
    // Again and again, it is no accident.
    let map = over(0..100)
        .state(|_| kill_self(libc::SIGKILL))
        .map_cx(|i, _| i);
    let error = map.run(&Fork::new().workers(3)).expect_err("no state");
    assert!(
        error.is_start() && error.to_string().contains("SIGKILL"),
        "{error}"
    );
    before.assert_unchanged();
    ExitCode::SUCCESS
}

pub(crate) fn future_clock() -> ExitCode {
    let begun = Instant::now();
    let map = over(0..20)
        .item_timeout(Duration::from_millis(100))
        .map(|i| {
            if i == 3 {
                let is_clock = |(word, bytes): &(&AtomicU64, usize)| {
                    *bytes < 1 << 16 && word.load(Relaxed) > 1000
                };
                let (clock, _) = shared().into_iter().find(is_clock).expect("a clock");
                loop {
                    clock.store(1 << 62, Relaxed);
                    std::thread::sleep(Duration::from_secs(30));
                }
            }
            i
        });
    let results = map.try_run(&Fork::new().workers(2)).expect("a map");
    for (i, result) in results.iter().enumerate() {
        assert_eq!(
            result.as_ref().map_err(ItemError::index).err(),
            (i == 3).then_some(3)
        );
    }
    let error = results[3].as_ref().expect_err("it was killed");
    assert_eq!(name(error), "lost");
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
    ExitCode::SUCCESS
}

/// A worker that repeats what is done already is not waited for.
pub(crate) fn stray_claim() -> ExitCode {
    let begun = Instant::now();
    let (first, second) = (Once::new("set"), Once::new("repeated"));
    let map = over(0..40).chunk(Chunks::of(1)).map(|i| {
        if i == 20 {
            if first.is_first() {
                // Until the parent has seen this claim: else that of the one who repeats the item may be the first it
                // sees, and it would be right to wait for that one.
                std::thread::sleep(Duration::from_millis(300));
                counter().store(19, Relaxed);
            } else if second.is_first() {
                std::thread::sleep(Duration::from_secs(30));
            }
        } else if i > 20 {
            // The other worker is still there to repeat it.
            std::thread::sleep(Duration::from_millis(30));
        }
        i
    });
    let outputs = map.run(&Fork::new().workers(2)).expect("a map");
    assert!(outputs.into_iter().eq(0..40));
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
    ExitCode::SUCCESS
}
