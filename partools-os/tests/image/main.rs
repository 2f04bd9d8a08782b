//! Functions by offset between processes of one executable: this program, started again in every way that matters. A
//! program of its own, since a worker must do its work and not run tests.
//!
//! It passes for each kind of executable that can be linked; by default it is position-independent and dynamic. For
//! the others (each with a `--target-dir` of its own):
//!
//! ```text
//! RUSTFLAGS="-C relocation-model=static"               a fixed address
//! RUSTFLAGS="-C target-feature=+crt-static"            static, position-independent
//! RUSTFLAGS="-C link-arg=-Wl,--build-id=sha1"          with a build id; =none without one
//! RUSTFLAGS="-C relro-level=off"                       addresses stay writable: constants with pointers have no offset
//! RUSTFLAGS="-C strip=symbols", CARGO_PROFILE_TEST_LTO=fat CARGO_PROFILE_TEST_OPT_LEVEL=3
//! cargo test -p partools-os --test image -- --nocapture      (the first trial prints what it is)
//! ```
#![expect(
    clippy::print_stderr,
    reason = "trials that cannot be done here say so"
)]

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

mod trials;
mod worker;

fn main() -> ExitCode {
    if let Some(code) = worker::serve() {
        return code;
    }
    let trials = trials::all()
        .into_iter()
        .map(|(name, trial)| {
            Trial::test(name, move || {
                trial();
                Ok(())
            })
        })
        .collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
