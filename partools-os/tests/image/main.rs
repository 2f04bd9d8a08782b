//! Functions by offset between processes of one executable: this program, started again in every way that matters. A
//! program of its own, since a worker must do its work and not run tests.
//!
//! It passes for each kind of executable that can be linked; by default it is position-independent and dynamic. For
//! the others (the first trial prints what it is):
//!
//! ```text
//! cargo test -p partools-os --target x86_64-unknown-linux-gnu --test image -- --nocapture
//! with RUSTFLAGS="-C relocation-model=static"                  a fixed address
//!      RUSTFLAGS="-C target-feature=+crt-static"               static and position-independent; both: static, fixed
//!      RUSTFLAGS="-C link-arg=-Wl,--build-id=none"             known by its hash
//!      RUSTFLAGS="-C relro-level=off"                          what holds addresses stays writable, and has no offset
//!      RUSTFLAGS="-C strip=symbols"
//!      CARGO_PROFILE_TEST_LTO=fat CARGO_PROFILE_TEST_OPT_LEVEL=3
//! or   --target x86_64-unknown-linux-musl
//! ```
#![expect(
    clippy::print_stderr,
    reason = "trials that cannot be done here say so"
)]

use std::process::ExitCode;

#[path = "../one_by_one/mod.rs"]
mod one_by_one;
mod trials;
mod worker;

fn main() -> ExitCode {
    if let Some(code) = worker::serve() {
        return code;
    }
    let trials = trials::all().into_iter();
    // One at a time: a copy of the program that is just written cannot be started as long as a child, which another
    // trial starts at that moment, has inherited the descriptor that writes it (ETXTBSY).
    one_by_one::run(trials.map(|(name, test)| one_by_one::trial(name, test)))
}
