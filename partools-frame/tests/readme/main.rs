//! The README's example of frames, word for word. It is no doc test of the facade, since that would build Arrow for everything
//! that is built of the facade. It forks, so that it is a process of its own without a test harness.

/// What the example imports, where the facade has it.
#[cfg(target_os = "linux")]
mod partools {
    pub(crate) use partools_core::Serial;
    pub(crate) use partools_fork::Fork;
    pub(crate) use partools_frame as frame;
    pub(crate) use partools_threads::Threads;
}

#[cfg(target_os = "linux")]
mod example {
    use super::partools;
    include!("example.rs");

    pub(crate) fn run() -> Result<(), FrameError> {
        main()
    }
}

fn main() {
    let shown = include_str!("../../../README.md");
    let run = concat!("```rust,ignore\n", include_str!("example.rs"), "```\n");
    assert!(
        shown.contains(run),
        "the README shows another example of frames than tests/readme/example.rs"
    );
    // There is a `Fork` on Linux alone.
    #[cfg(target_os = "linux")]
    example::run().expect("the README's example of frames");
}
