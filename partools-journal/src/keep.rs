//! What is done with an output that arrives: it goes into the file first, then to whoever waits for it.

use crate::replay::Replay;
use crate::store::Store;
use partools_core::{ItemError, Portable, Receiver};
use std::ops::ControlFlow;

/// Keeps all outputs, in the file and here.
pub(crate) struct Keeping<O> {
    pub(crate) store: Store,
    pub(crate) outputs: Vec<Option<O>>,
    pub(crate) failures: Vec<ItemError>,
}

impl<O: Portable> Receiver<O> for Keeping<O> {
    fn output(&mut self, index: usize, output: O) -> ControlFlow<()> {
        self.store.add(index, &output);
        self.outputs[index] = Some(output);
        ControlFlow::Continue(())
    }
    fn failure(&mut self, error: ItemError) {
        self.failures.push(error);
    }
    fn settle(&mut self) {
        self.store.settle();
    }
}

/// Hands all outputs on in item order: those of the journal in their places.
pub(crate) struct Replaying<O, F> {
    pub(crate) store: Store,
    pub(crate) replay: Replay<O>,
    pub(crate) f: F,
    pub(crate) failure: Option<ItemError>,
    pub(crate) broken: Option<std::io::Error>,
}

impl<O: Portable, F: FnMut(usize, O)> Replaying<O, F> {
    /// Hands on what the journal has below `index`. False where it cannot be read any more.
    pub(crate) fn replay_below(&mut self, index: usize) -> bool {
        loop {
            match self.replay.below(index, &mut self.store) {
                Ok(Some((index, output))) => (self.f)(index, output),
                Ok(None) => return true,
                Err(why) => {
                    self.broken = Some(why);
                    return false;
                }
            }
        }
    }
}

impl<O: Portable, F: FnMut(usize, O)> Receiver<O> for Replaying<O, F> {
    fn output(&mut self, index: usize, output: O) -> ControlFlow<()> {
        self.store.add(index, &output);
        if !self.replay_below(index) {
            return ControlFlow::Break(());
        }
        (self.f)(index, output);
        ControlFlow::Continue(())
    }
    fn failure(&mut self, error: ItemError) {
        self.replay_below(error.index());
        if self.failure.is_none() {
            self.failure = Some(error);
        }
    }
    fn settle(&mut self) {
        self.store.settle();
    }
}
