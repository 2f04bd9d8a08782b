//! Which processor each worker is pinned to.
//!
//! Those that this process may run on, in an order that spreads workers over cores first: of each core its first thread, then
//! of each its second. Where the system does not say what a core is, in the order of their numbers.

use std::fs;
use std::io;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The processors for workers 0, 1, 2 and so on; then again from the first.
pub(super) fn order() -> io::Result<Vec<usize>> {
    let allowed = sched_getaffinity(None)?;
    let allowed: Vec<usize> = (0..CpuSet::MAX_CPU)
        .filter(|&cpu| allowed.is_set(cpu))
        .collect();
    Ok(spread(&allowed, |cpu| {
        let path = format!("/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list");
        fs::read_to_string(path).map_or_else(|_| vec![cpu], |list| numbers(&list))
    }))
}

/// Pins this process. Best effort: the processor was allowed a moment ago.
pub(super) fn pin(cpu: usize) {
    let mut only = CpuSet::new();
    only.set(cpu);
    let _ = sched_setaffinity(None, &only);
}

fn spread(allowed: &[usize], siblings: impl Fn(usize) -> Vec<usize>) -> Vec<usize> {
    let mut ranked: Vec<_> = allowed
        .iter()
        .map(|&cpu| {
            let core = siblings(cpu);
            let before = core
                .iter()
                .filter(|&&other| other < cpu && allowed.contains(&other));
            (before.count(), cpu)
        })
        .collect();
    ranked.sort_unstable();
    ranked.into_iter().map(|(_, cpu)| cpu).collect()
}

/// A list as the kernel writes it, such as `0,4-6`.
fn numbers(list: &str) -> Vec<usize> {
    let parts = list.trim().split(',').filter_map(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse().ok()?..=last.parse().ok()?)
    });
    parts.flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_the_kernel_are_read() {
        assert_eq!(numbers("0,4-6\n"), [0, 4, 5, 6]);
        assert_eq!(numbers(""), [0; 0]);
    }

    #[test]
    fn cores_come_before_their_second_threads() {
        let neighbours = |cpu| vec![cpu / 2 * 2, cpu / 2 * 2 + 1];
        assert_eq!(spread(&[0, 1, 2, 3], neighbours), [0, 2, 1, 3]);
        let far = |cpu| vec![cpu % 2, cpu % 2 + 2];
        assert_eq!(spread(&[0, 1, 2, 3], far), [0, 1, 2, 3]);
        // A sibling that is not allowed takes no turn.
        assert_eq!(spread(&[1, 2, 3], neighbours), [1, 2, 3]);
    }
}
