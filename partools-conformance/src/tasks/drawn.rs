//! Random numbers by the builder's own generator: the plan's seed must reach the worker.

use partools_core::{Cx, Span, StartError, Task, Writer, over};

/// So many items; each becomes the first number of its own generator ([`Cx::rng`]), and the index and
/// attempt it was told.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Drawn {
    /// How many items.
    pub count: usize,
}

fn draw(_item: usize, cx: &mut Cx<'_, (), ()>) -> (u32, usize) {
    use rand_chacha::rand_core::Rng;
    (cx.rng().next_u32(), cx.index)
}

impl Task for Drawn {
    type State = ();
    type Output = (u32, usize);

    fn count(&self) -> usize {
        self.count
    }
    fn start(&self, _worker: usize) -> Result<(), StartError> {
        Ok(())
    }
    fn call_chunk(&self, state: &mut (), span: &Span, out: &mut Writer<'_, Self::Output>) {
        over(0..self.count)
            .map_cx(draw)
            .task()
            .call_chunk(state, span, out);
    }
}
