//! What of the parent's memory a child can touch.

use std::fs::OpenOptions;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use partools_os::{Access, Attached, Exit, Region, SharedVec, foreign_writable_shared, locate};
use rustix::mm::MprotectFlags;

use crate::{gated, reap, spawn, spawn_lending, trials};

trials![
    what_a_child_writes_where_it_may_the_parent_sees,
    a_region_lent_for_reading_is_read,
    a_region_lent_for_reading_is_not_written,
    a_region_that_is_not_lent_is_not_there,
    a_grandchild_gets_nothing_that_is_not_lent_to_it,
    a_fork_of_somebody_elses_copies_no_region,
    a_gate_must_be_lent,
    a_region_dropped_in_a_child_takes_nothing_with_it,
    a_frozen_vector_is_read_by_children,
    a_child_that_writes_to_a_frozen_vector_dies,
    a_frozen_vector_withstands_every_attack,
    a_vector_that_another_process_has_cannot_be_frozen,
    a_child_locates_and_drops_what_it_inherited,
    a_child_locates_whatever_threads_of_the_parent_did_at_its_fork,
];

const FAULT: Exit = Exit::Signal {
    number: libc::SIGSEGV,
    core: false,
};

/// Whether this process has something mapped at the region's start.
fn is_mapped(region: &Region) -> bool {
    let start = format!("{:x}-", start_of(region));
    let maps = std::fs::read_to_string("/proc/self/maps").expect("maps");
    maps.lines().any(|line| line.starts_with(&start))
}

fn start_of(region: &Region) -> usize {
    region.halves().as_ptr() as usize
}

fn what_a_child_writes_where_it_may_the_parent_sees() {
    let (gate, other) = (gated(), gated());
    let mut child = spawn_lending(&gate, &[(&other, Access::ReadWrite)], || {
        other.words()[5].store(55, Relaxed);
        0
    });
    assert_eq!(reap(&mut child), Exit::Code(0));
    assert_eq!(other.words()[5].load(Relaxed), 55);
}

fn a_region_lent_for_reading_is_read() {
    let (gate, other) = (gated(), gated());
    other.words()[5].store(77, Relaxed);
    let read = || i32::from(other.words()[5].load(Relaxed) == 77);
    assert_eq!(
        reap(&mut spawn_lending(
            &gate,
            &[(&other, Access::ReadOnly)],
            read
        )),
        Exit::Code(1)
    );
}

fn a_region_lent_for_reading_is_not_written() {
    let (gate, other) = (gated(), gated());
    let mut child = spawn_lending(&gate, &[(&other, Access::ReadOnly)], || {
        other.words()[5].store(1, Relaxed);
        0
    });
    assert_eq!(reap(&mut child), FAULT);
    assert_eq!(other.words()[5].load(Relaxed), 0);
    // In the parent nothing changed.
    other.words()[5].store(2, Relaxed);
}

fn a_region_that_is_not_lent_is_not_there() {
    let (gate, other) = (gated(), gated());
    assert!(is_mapped(&other));
    let mut child = spawn_lending(&gate, &[], || {
        i32::from(is_mapped(&gate)) + 2 * i32::from(is_mapped(&other))
    });
    assert_eq!(reap(&mut child), Exit::Code(1));
    // Lent once is not lent for ever.
    let mut child = spawn_lending(&gate, &[(&other, Access::ReadWrite)], || {
        i32::from(is_mapped(&other))
    });
    assert_eq!(reap(&mut child), Exit::Code(1));
    let mut child = spawn_lending(&gate, &[], || i32::from(is_mapped(&other)));
    assert_eq!(reap(&mut child), Exit::Code(0));
}

fn a_grandchild_gets_nothing_that_is_not_lent_to_it() {
    let (gate, other) = (gated(), gated());
    let mut child = spawn_lending(&gate, &[(&other, Access::ReadWrite)], || {
        let inner = gated();
        let mut grandchild = spawn_lending(&inner, &[], || {
            i32::from(is_mapped(&gate))
                + 2 * i32::from(is_mapped(&other))
                + 4 * i32::from(is_mapped(&inner))
        });
        match reap(&mut grandchild) {
            Exit::Code(code) => code,
            _ => 99,
        }
    });
    assert_eq!(reap(&mut child), Exit::Code(4));
}

#[expect(
    clippy::disallowed_methods,
    reason = "a fork that is not ours is the point"
)]
fn a_fork_of_somebody_elses_copies_no_region() {
    let region = gated();
    // SAFETY: this program has one thread, and the child only looks and exits.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let code = i32::from(is_mapped(&region));
        // SAFETY: ends the child.
        unsafe { libc::_exit(code) }
    }
    let pid = rustix::process::Pid::from_raw(pid);
    let waited = rustix::process::waitpid(pid, rustix::process::WaitOptions::empty());
    let status = waited
        .expect("a child")
        .map(|(_, status)| status.exit_status());
    assert_eq!(status, Some(Some(0)));
}

fn a_gate_must_be_lent() {
    let (gate, other) = (gated(), gated());
    let lent = [(&other, Access::ReadWrite)];
    let options = partools_os::SpawnOptions::default();
    // SAFETY: this program has one thread.
    let refused = unsafe { partools_os::spawn(&lent, &gate.halves()[0], &options, || 0) };
    assert_eq!(
        refused.err().map(|error| error.kind()),
        Some(std::io::ErrorKind::InvalidInput)
    );
}

fn a_region_dropped_in_a_child_takes_nothing_with_it() {
    let (gate, other) = (gated(), gated());
    let start = start_of(&other);
    let mut child = spawn_lending(&gate, &[], move || {
        // The hole is the likeliest place for something new of the same size.
        let newcomers: Vec<Region> = (0..4).map(|_| gated()).collect();
        assert!(
            newcomers.iter().any(|region| start_of(region) == start),
            "nothing came there"
        );
        drop(other);
        i32::from(newcomers.iter().all(is_mapped))
    });
    assert_eq!(reap(&mut child), Exit::Code(1));
}

fn counting(len: usize) -> SharedVec<u64> {
    SharedVec::from_fn(len, |i| i as u64).expect("memory")
}

fn is_counting(vector: &SharedVec<u64>) -> bool {
    vector
        .iter()
        .enumerate()
        .all(|(i, &element)| element == i as u64)
}

fn a_frozen_vector_is_read_by_children() {
    let vector = counting(100_000);
    assert!(foreign_writable_shared().expect("maps").is_empty());
    assert_eq!(
        reap(&mut spawn(|| i32::from(is_counting(&vector)))),
        Exit::Code(1)
    );
}

fn write_to(vector: &SharedVec<u64>) {
    let first = vector.as_ptr().cast_mut();
    // SAFETY: not safe at all: the fault is the point, and the process ends by it.
    unsafe { first.write_volatile(999) };
}

fn a_child_that_writes_to_a_frozen_vector_dies() {
    let vector = counting(1000);
    let mut child = spawn(|| {
        write_to(&vector);
        0
    });
    assert_eq!(reap(&mut child), FAULT);
    assert!(is_counting(&vector));
}

fn a_frozen_vector_withstands_every_attack() {
    let vector = counting(1000);
    let mut child = spawn(|| {
        let start = vector.as_ptr().cast_mut().cast();
        let both = MprotectFlags::READ | MprotectFlags::WRITE;
        // SAFETY: a whole page of this very mapping; that it is refused is the point.
        let unprotected = unsafe { rustix::mm::mprotect(start, 4096, both) };
        let file = OpenOptions::new()
            .write(true)
            .open("/proc/self/mem")
            .expect("own memory");
        let forced = file.write_at(&[1; 8], vector.as_ptr() as u64);
        let written = rustix::io::pwrite(&vector, &[1; 8], 0);
        let cut = rustix::fs::ftruncate(&vector, 0);
        let refused = [
            unprotected.is_err(),
            forced.is_err(),
            written.is_err(),
            cut.is_err(),
        ];
        i32::from(refused == [true; 4])
    });
    assert_eq!(reap(&mut child), Exit::Code(1));
    assert!(is_counting(&vector));
}

fn a_vector_that_another_process_has_cannot_be_frozen() {
    let filling = SharedVec::<u64>::zeroed(1000).expect("memory");
    let child = spawn(crate::sleep_for_ever);
    let refused = filling.freeze().expect_err("a child has it");
    drop(child);
    assert!(refused.to_string().contains("before you fork"), "{refused}");
}

fn a_child_locates_and_drops_what_it_inherited() {
    let (kept, dropped) = (counting(1000), counting(2000));
    let start = dropped.as_ptr() as usize;
    let mut child = spawn(|| {
        let located = locate(bytemuck::cast_slice(&dropped[5..])).map(|it| (it.offset(), it.len()));
        drop(dropped);
        let maps = std::fs::read_to_string("/proc/self/maps").expect("maps");
        let outcomes = [
            located == Some((40, 1995 * 8)),
            !maps.contains(&format!("{start:x}-")),
            is_counting(&kept) && locate(bytemuck::cast_slice(&kept)).is_some(),
        ];
        i32::from(outcomes == [true; 3])
    });
    assert_eq!(reap(&mut child), Exit::Code(1));
    assert!(locate(bytemuck::cast_slice(&kept)).is_some());
}

/// Another mapping of it, which is listed while it lives.
fn attach(vector: &SharedVec<u64>) -> Attached {
    let descriptor = vector.as_fd().try_clone_to_owned().expect("a descriptor");
    Attached::sealed(descriptor, 8, 16).expect("a second mapping")
}

/// The lock of the registry is held by whoever forks, so that no thread that a child does not have holds it there.
fn a_child_locates_whatever_threads_of_the_parent_did_at_its_fork() {
    let vector = counting(1000);
    /// Also when an assertion fails: a scope waits for its threads.
    struct Done<'a>(&'a AtomicBool);
    impl Drop for Done<'_> {
        fn drop(&mut self) {
            self.0.store(true, Relaxed);
        }
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _done = Done(&done);
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Relaxed) {
                    let second = attach(&vector);
                    // Again and again, so that the lock is held at many a fork.
                    assert!((0..100).all(|_| locate(&second).is_some()));
                }
            });
        }
        for _ in 0..300 {
            // The threads hold no other lock that such a child needs: the allocator's are whole after a fork.
            let mut child = spawn(|| {
                let found = locate(bytemuck::cast_slice(&vector)).is_some();
                i32::from(found && locate(&attach(&vector)).is_some())
            });
            assert_eq!(reap(&mut child), Exit::Code(1));
        }
    });
    // Who comes next may count threads, and a thread is listed for a moment after it was joined.
    let begun = std::time::Instant::now();
    while partools_os::other_threads().is_ok_and(|threads| !threads.is_empty()) {
        assert!(begun.elapsed() < crate::PATIENCE, "threads stay listed");
    }
}
