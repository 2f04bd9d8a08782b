//! A process and all that it has started, as the system lists them: their memory, and their family.

use std::collections::HashMap;
use std::fs;

/// The children of `process` and theirs, in rising order, but for those that have ended.
pub(crate) fn descendants(process: u32) -> Vec<u32> {
    // Kernels without lists of children have only lists of parents, for which all processes have to be read.
    let all = (!fs::exists("/proc/thread-self/children").unwrap_or(false)).then(families);
    let (mut found, mut at) = (vec![process], 0);
    while let Some(&id) = found.get(at) {
        found.extend(match &all {
            None => children_of(id),
            Some(families) => families.get(&id).cloned().unwrap_or_default(),
        });
        at += 1;
    }
    found.remove(0);
    found.retain(|id| parent_of(*id).is_some());
    found.sort_unstable();
    found
}

/// Those that the threads of `process` have started.
fn children_of(process: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{process}/task"))
        .into_iter()
        .flatten();
    let lists =
        threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("children")).ok());
    lists
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|id| id.parse().ok())
                .collect::<Vec<u32>>()
        })
        .collect()
}

/// The children of every process.
fn families() -> HashMap<u32, Vec<u32>> {
    let mut families: HashMap<u32, Vec<u32>> = HashMap::new();
    let processes = fs::read_dir("/proc").into_iter().flatten();
    for id in processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()) {
        if let Some(parent) = parent_of(id) {
            families.entry(parent).or_default().push(id);
        }
    }
    families
}

/// The parent of a process that has not ended.
fn parent_of(process: u32) -> Option<u32> {
    let (state, parent) = state_and_parent(process)?;
    (!matches!(state, 'Z' | 'X')).then_some(parent)
}

/// Whether a process does nothing until it is told to go on.
pub(crate) fn is_stopped(process: u32) -> bool {
    state_and_parent(process).is_some_and(|(state, _)| state == 'T')
}

fn state_and_parent(process: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name stands in brackets and may hold anything; behind it come the state and the parent.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// The proportional set size and the page tables of a process, in bytes.
pub(crate) fn memory_of(process: u32) -> Option<u64> {
    let set = field(&format!("/proc/{process}/smaps_rollup"), "Pss:")?;
    Some(set + field(&format!("/proc/{process}/status"), "VmPTE:")?)
}

/// How much memory the system could give now, in bytes.
pub(crate) fn available_memory() -> Option<u64> {
    field("/proc/meminfo", "MemAvailable:")
}

/// How much memory there is, in bytes.
pub(crate) fn total_memory() -> Option<u64> {
    field("/proc/meminfo", "MemTotal:")
}

/// A figure in a file of `name: figure kB` lines, in bytes.
fn field(path: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}
