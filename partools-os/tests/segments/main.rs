//! What segments cost and leave behind: memory that must not exist twice, pages that are shared between processes,
//! files that are cut off, descriptors and mappings. On the main thread, one trial after the other, so that what is
//! measured is the trial's; what ends or must begin afresh is played by this program started again (`roles.rs`).

use libtest_mimic::{Arguments, Trial};

mod holdings;
mod leaks;
mod memory;
mod roles;
mod truncation;

fn main() -> std::process::ExitCode {
    if let Some(code) = roles::play() {
        return code;
    }
    let arguments = Arguments {
        test_threads: Some(1),
        ..Arguments::from_args()
    };
    let trials = [leaks::trials(), memory::trials(), truncation::trials()].concat_all();
    libtest_mimic::run(&arguments, trials).exit_code()
}

trait ConcatAll {
    fn concat_all(self) -> Vec<Trial>;
}

impl<const N: usize> ConcatAll for [Vec<Trial>; N] {
    fn concat_all(self) -> Vec<Trial> {
        self.into_iter().flatten().collect()
    }
}

/// Names a trial after its function.
macro_rules! trials {
    ($($test:ident),* $(,)?) => {
        pub(crate) fn trials() -> Vec<libtest_mimic::Trial> {
            vec![$(libtest_mimic::Trial::test(stringify!($test), || {
                $test();
                Ok(())
            })),*]
        }
    };
}
pub(crate) use trials;
