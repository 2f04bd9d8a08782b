//! What segments cost and leave behind: memory that must not exist twice, pages that are shared between processes,
//! files that are cut off, descriptors and mappings. On the main thread, one trial after the other, so that what is
//! measured is the trial's; what ends or must begin afresh is played by this program started again (`roles.rs`).

mod holdings;
mod leaks;
mod memory;
#[path = "../one_by_one/mod.rs"]
mod one_by_one;
mod roles;
mod truncation;

fn main() -> std::process::ExitCode {
    if let Some(code) = roles::play() {
        return code;
    }
    let trials = [leaks::trials(), memory::trials(), truncation::trials()];
    one_by_one::run(trials.into_iter().flatten())
}

/// Names a trial after its function.
macro_rules! trials {
    ($($test:ident),* $(,)?) => {
        pub(crate) fn trials() -> Vec<libtest_mimic::Trial> {
            vec![$(crate::one_by_one::trial(stringify!($test), $test)),*]
        }
    };
}
pub(crate) use trials;
