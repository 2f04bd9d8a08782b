//! `Probe<O>`: a pure function of the index, for every kind of output.

use super::products::Product;
use partools_core::{Span, StartError, Task, Writer};
use std::marker::PhantomData;

/// So many items, of which each becomes [`Product::of`] its index; one of them may panic.
#[derive(serde::Serialize, serde::Deserialize)]
pub struct Probe<O> {
    count: usize,
    fails_at: Option<usize>,
    output: PhantomData<fn() -> O>,
}

impl<O> Probe<O> {
    /// `count` items.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Probe {
            count,
            fails_at: None,
            output: PhantomData,
        }
    }

    /// Item `index` panics.
    #[must_use]
    pub fn fails_at(mut self, index: usize) -> Self {
        self.fails_at = Some(index);
        self
    }
}

impl<O: Product> Task for Probe<O> {
    type State = ();
    type Output = O;

    fn count(&self) -> usize {
        self.count
    }
    fn start(&self, _worker: usize) -> Result<(), StartError> {
        Ok(())
    }
    fn call_chunk(&self, _state: &mut (), span: &Span, out: &mut Writer<'_, O>) {
        for index in span.range() {
            assert!(
                self.fails_at != Some(index),
                "item {index} fails, as it was told to"
            );
            out.push(O::of(index));
        }
    }
}

impl<O> Clone for Probe<O> {
    fn clone(&self) -> Self {
        Probe {
            count: self.count,
            fails_at: self.fails_at,
            output: PhantomData,
        }
    }
}

impl<O> std::fmt::Debug for Probe<O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Probe of {} x {}",
            self.count,
            std::any::type_name::<O>()
        )
    }
}
