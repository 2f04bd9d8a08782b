//! How much memory a piece of work takes at most: the high-water mark of this process, which the system sets back on request.

use std::fs;

/// What was resident at most while `work` ran, beyond what was before, in bytes; `None` where the system does not tell.
pub(crate) fn added_by(work: impl FnOnce()) -> Option<f64> {
    // 5 sets the mark back to what is resident now (proc(5), since Linux 4.0).
    fs::write("/proc/self/clear_refs", "5").ok()?;
    let before = status("VmRSS:")?;
    work();
    Some((status("VmHWM:")? - before).max(0.0))
}

fn status(name: &str) -> Option<f64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? * 1024.0)
}
