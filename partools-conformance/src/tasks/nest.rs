//! A task whose items run a map of their own, on an executor of the same kind (C8).

use super::products::mix;
use super::script::Script;
use crate::record::Pen;
use partools_core::wire::WireError;
use partools_core::{
    Attach, Executor, Job, Layout, PortableTask, Remote, Span, StartError, Task, Writer,
};

/// How many items a nested map has.
pub(crate) const INNER: usize = 5;

/// So many items; each runs a map of a few items on an executor that `F` makes.
#[derive(Clone)]
pub struct Nest<F> {
    count: usize,
    make: F,
    pen: Option<Pen>,
}

impl<F> Nest<F> {
    /// `count` items that nest.
    #[must_use]
    pub fn new(count: usize, make: F) -> Self {
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

/// A number of its own for each item, and the outputs of its nested map, or why it has none.
pub(crate) type Answer = (u64, Result<String, String>);

impl<F: Fn(usize) -> E, E: Executor<Script>> Task for Nest<F> {
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
            let mut inner = Script::new(INNER);
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

/// Where the maker captures nothing.
impl<F, E> PortableTask for Nest<F>
where
    F: Remote + Fn(usize) -> E,
    E: Executor<Script>,
{
    type Far<'m> = Nest<F>;
    fn pack<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
        out.function(&self.make);
        out.value(&(self.count, self.pen.clone()))
    }
    fn unpack<'m>(from: &mut Attach<'m>) -> Result<Nest<F>, WireError> {
        let make = from.function()?;
        let (count, pen) = from.value()?;
        Ok(Nest { count, make, pen })
    }
}

impl<F> std::fmt::Debug for Nest<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Nest of {}", self.count)
    }
}
