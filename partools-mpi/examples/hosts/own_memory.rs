//! What a process has of its own, beside a file that it shares.

/// The number of the file that is mapped at an address, and how many bytes of all other mappings are this process's alone.
pub(crate) fn memory(at: usize) -> (u64, u64) {
    let maps = std::fs::read_to_string("/proc/self/smaps").unwrap_or_default();
    let (mut file, mut own, mut is_it) = (0, 0, false);
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let first = words.next().unwrap_or_default();
        let range = first.split_once('-').and_then(|(start, end)| {
            let number = |text| usize::from_str_radix(text, 16).ok();
            Some(number(start)?..number(end)?)
        });
        if let Some(range) = range {
            is_it = range.contains(&at);
            if is_it {
                file = words.nth(3).and_then(|file| file.parse().ok()).unwrap_or(0);
            }
        } else if !is_it && first.starts_with("Private_") && !first.contains("Hugetlb") {
            let kilobytes: u64 = words.next().and_then(|n| n.parse().ok()).unwrap_or(0);
            own += 1024 * kilobytes;
        }
    }
    (file, own)
}
