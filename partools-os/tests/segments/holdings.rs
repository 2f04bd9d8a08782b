//! What this process holds, read from /proc.

use std::fs;

/// The number in the line of /proc/self/`file` that begins with `name`, in KiB.
pub(crate) fn kib(file: &str, name: &str) -> usize {
    let text = fs::read_to_string(format!("/proc/self/{file}")).expect("/proc");
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(name));
    let number = lines.next().and_then(|line| line.strip_prefix(':'));
    let number = number.expect("a line").trim_end_matches("kB").trim();
    number.parse().expect("a number")
}

/// This process's share of what it has mapped: a page that n mappings have counts a nth in each.
pub(crate) fn proportional_kib() -> usize {
    kib("smaps_rollup", "Pss")
}

/// All memory that is there because of this process alone: its anonymous memory, and its memory files, mapped or not.
pub(crate) fn own_kib() -> usize {
    kib("smaps_rollup", "Pss_Anon") + memory_files_kib()
}

/// What the memory files take that this process has open, each once.
pub(crate) fn memory_files_kib() -> usize {
    let open = descriptors();
    let memory = open.iter().filter(|(_, file)| file.starts_with("/memfd:"));
    let mut sizes: Vec<(u64, i64)> = memory
        .map(|(number, _)| {
            let stat = rustix::fs::stat(format!("/proc/self/fd/{number}")).expect("a file");
            (stat.st_ino, stat.st_blocks)
        })
        .collect();
    sizes.sort_unstable();
    sizes.dedup();
    let blocks: i64 = sizes.iter().map(|&(_, blocks)| blocks).sum();
    usize::try_from(blocks / 2).expect("a size")
}

/// The open descriptors but for the one that reads the list: number and file.
fn descriptors() -> Vec<(String, String)> {
    let list = fs::read_dir("/proc/self/fd").expect("/proc");
    let numbers = list.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    numbers
        .filter_map(|number| {
            let file = fs::read_link(format!("/proc/self/fd/{number}")).ok()?;
            let file = file.to_string_lossy().into_owned();
            (!file.ends_with("/fd")).then_some((number, file))
        })
        .collect()
}

/// Open descriptors and shared mappings, a line for each.
pub(crate) fn held() -> Vec<String> {
    let maps = fs::read_to_string("/proc/self/maps").expect("/proc");
    let is_shared = |line: &&str| {
        line.split(' ')
            .nth(1)
            .is_some_and(|access| access.ends_with('s'))
    };
    let mappings = maps.lines().filter(is_shared).map(str::to_owned);
    let open = descriptors();
    let open = open
        .iter()
        .map(|(number, file)| format!("{number} -> {file}"));
    let mut held: Vec<String> = mappings.chain(open).collect();
    held.sort_unstable();
    held
}
