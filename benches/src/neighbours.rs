//! Other processes that keep all processors busy, for as long as this lives.

use crate::rival::HIDDEN;
use std::io;
use std::process::{Child, Command, Stdio};

/// What a neighbour is called as, behind [`HIDDEN`].
pub(crate) const NEIGHBOUR: &str = "neighbour";

/// One process for each processor.
pub(crate) struct Neighbours(Vec<Child>);

impl Neighbours {
    pub(crate) fn start() -> io::Result<Self> {
        let mut neighbours = Neighbours(Vec::new());
        for _ in 0..count() {
            let mut command = Command::new("/proc/self/exe");
            command
                .args([HIDDEN, NEIGHBOUR])
                .stdin(Stdio::null())
                .stdout(Stdio::null());
            neighbours.0.push(command.spawn()?);
        }
        Ok(neighbours)
    }
}

/// How many there are.
pub(crate) fn count() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

impl Drop for Neighbours {
    fn drop(&mut self) {
        for neighbour in &mut self.0 {
            let _ = neighbour.kill();
            let _ = neighbour.wait();
        }
    }
}

/// A neighbour's life; it is killed.
pub(crate) fn live() -> ! {
    loop {
        std::hint::black_box(0);
    }
}
