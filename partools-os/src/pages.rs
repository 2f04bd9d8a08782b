//! How much a process costs in page tables, and in pages that are its own alone.

use std::fs;
use std::io;

/// The bytes of page tables of a process; of this one where `pid` is `None`.
///
/// A fork copies those of ordinary memory, about 2 MB for each GB that was touched: that is what it takes its time for.
///
/// ```
/// let before = partools_os::page_table_bytes(None)?;
/// let touched = vec![1_u8; 64 << 20]; // 16 Ki pages, 8 bytes each
/// assert!(partools_os::page_table_bytes(None)? >= before + (100 << 10));
/// # drop(touched);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// Where the process is gone, or `/proc` hidden.
pub fn page_table_bytes(pid: Option<u32>) -> io::Result<u64> {
    read(pid, "status", "VmPTE:")
}

/// The bytes of memory that this process alone has and has written to: in a forked child, what it no longer shares with
/// its parent. The system walks all page tables for it, some 5 ms per GB that is mapped.
///
/// ```
/// let before = partools_os::private_dirty_bytes()?;
/// let written = vec![1_u8; 8 << 20];
/// // Not to the last page: the system may have taken others back meanwhile.
/// assert!(partools_os::private_dirty_bytes()? >= before + (7 << 20));
/// # drop(written);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// Where `/proc` is hidden.
pub fn private_dirty_bytes() -> io::Result<u64> {
    read(None, "smaps_rollup", "Private_Dirty:")
}

fn read(pid: Option<u32>, file: &str, name: &str) -> io::Result<u64> {
    let process = pid.map_or_else(|| "self".to_owned(), |pid| pid.to_string());
    let path = format!("/proc/{process}/{file}");
    let text = fs::read_to_string(&path)?;
    parse(&text, name).ok_or_else(|| {
        let why =
            format!("{path} has no {name} (the process has ended, or the kernel counts none)");
        io::Error::new(io::ErrorKind::InvalidData, why)
    })
}

/// The number of KiB behind a name, in bytes.
fn parse(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number: u64 = rest.trim().strip_suffix("kB")?.trim().parse().ok()?;
    number.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn the_number_behind_a_name_is_in_bytes() {
        let text = "VmPTEx:\t 9 kB\nVmPTE:\t      52 kB\nVmSwap:\t 0 kB\n";
        assert_eq!(parse(text, "VmPTE:"), Some(52 << 10));
        assert_eq!(parse(text, "VmLck:"), None);
        assert_eq!(parse("VmPTE: 52 MB", "VmPTE:"), None);
        assert_eq!(parse("VmPTE: 18446744073709551615 kB", "VmPTE:"), None);
    }
}
