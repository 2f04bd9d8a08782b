//! What workers may take: time (`time.rs`), memory (`memory.rs`, and `group.rs` where it runs short), and a place among
//! others (`place.rs`). On the main thread, one trial after the other; after each, nothing may be left.

#![expect(clippy::print_stderr, reason = "what cannot be tried here is said")]

use libtest_mimic::Arguments;
use std::process::ExitCode;

mod clean;
#[path = "limits/group.rs"]
mod group;
#[path = "limits/memory.rs"]
mod memory;
#[path = "limits/place.rs"]
mod place;
#[path = "limits/time.rs"]
mod time;

fn main() -> ExitCode {
    if let Some(played) = group::script() {
        return played;
    }
    std::panic::set_hook(Box::new(|_| {}));
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let all = [
        time::trials(),
        memory::trials(),
        group::trials(),
        place::trials(),
    ];
    libtest_mimic::run(&arguments, all.into_iter().flatten().collect()).exit_code()
}

/// Names a trial after its function.
macro_rules! trials {
    ($($test:ident),* $(,)?) => {
        pub(crate) fn trials() -> Vec<libtest_mimic::Trial> {
            vec![$(crate::clean::trial(stringify!($test), $test)),*]
        }
    };
}
pub(crate) use trials;
