//! Numbers whose sum depends on the order in which they are added.

use partools_core::wire::WireError;
use partools_core::{Attach, Kernel, Layout, PortableKernel, Span, StartError, Task, Writer};

/// So many items, each of which becomes a float of its own; one of them may panic.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Waves {
    /// How many items.
    pub count: usize,
    /// The item that panics.
    pub bad: Option<usize>,
}

impl Waves {
    /// The output of item `index`.
    #[must_use]
    pub fn output(index: usize) -> f64 {
        (index as f64 + 0.1).sqrt().sin()
    }
}

impl Task for Waves {
    type State = ();
    type Output = f64;

    fn count(&self) -> usize {
        self.count
    }
    fn start(&self, _worker: usize) -> Result<(), StartError> {
        Ok(())
    }
    fn call_chunk(&self, _: &mut (), span: &Span, out: &mut Writer<'_, f64>) {
        for index in span.range() {
            assert!(self.bad != Some(index), "wave {index} breaks");
            out.push(Waves::output(index));
        }
    }
    fn label(&self, index: usize) -> Option<String> {
        Some(format!("wave {index}"))
    }
}

/// Adds them up.
#[derive(Debug, Clone, Copy)]
pub struct Sum;

impl Kernel<f64> for Sum {
    type Value = f64;
    fn init(&self) -> f64 {
        0.0
    }
    fn fold(&self, sum: f64, output: f64) -> f64 {
        sum + output
    }
}

impl PortableKernel<f64> for Sum {
    fn lay(&self, _: &mut Layout<'_>) -> Result<(), WireError> {
        Ok(())
    }
    fn attach(_: &mut Attach<'_>) -> Result<Self, WireError> {
        Ok(Sum)
    }
}
