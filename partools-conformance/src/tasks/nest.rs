//! A task whose items run a map of their own, on an executor of the same kind (C8).

use super::products::mix;
use super::script::Script;
use crate::record::Pen;
use partools_core::{Executor, Job, Span, StartError, Task, Writer};

/// So many items; each runs a map of [`INNER`](Nest::INNER) items on an executor that it makes itself.
pub struct Nest<E> {
    count: usize,
    make: fn(usize) -> E,
    pen: Option<Pen>,
}

impl<E> Nest<E> {
    /// How many items a nested map has.
    pub const INNER: usize = 5;

    /// `count` items that nest.
    #[must_use]
    pub fn new(count: usize, make: fn(usize) -> E) -> Self {
        Nest {
            count,
            make,
            pen: None,
        }
    }

    /// The nested calls are written down.
    #[must_use]
    pub fn log(mut self, pen: Pen) -> Self {
        self.pen = Some(pen);
        self
    }
}

impl<E: Executor<Script>> Task for Nest<E> {
    type State = ();
    type Output = (u64, Result<String, String>);

    fn count(&self) -> usize {
        self.count
    }
    fn start(&self, _worker: usize) -> Result<(), StartError> {
        Ok(())
    }
    fn call_chunk(&self, _state: &mut (), span: &Span, out: &mut Writer<'_, Self::Output>) {
        for index in span.range() {
            let mut inner = Script::new(Self::INNER);
            if let Some(pen) = &self.pen {
                inner = inner.log(pen.clone());
            }
            let outputs = Job::new(inner).run(&(self.make)(2));
            out.push((
                mix(index),
                outputs.map(|o| o.join(" ")).map_err(|why| why.to_string()),
            ));
        }
    }
}

impl<E> Clone for Nest<E> {
    fn clone(&self) -> Self {
        Nest {
            count: self.count,
            make: self.make,
            pen: self.pen.clone(),
        }
    }
}

impl<E> std::fmt::Debug for Nest<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Nest of {}", self.count)
    }
}
