//! The work of each shape: items, shared argument, function, output.
//!
//! Inputs follow formulas that Python and R compute alike, with whole numbers throughout, so that sums do not depend on
//! their order and one digest holds for all. The place for the next workload.

mod cheap;
mod convolve;
mod flights;
mod output;
mod stream;
mod sum;
mod timed;
mod words;

pub(crate) use cheap::Noop;
pub use cheap::{cheap, cheap_items, plain_loop, spin, uneven};
pub use convolve::Convolve;
pub(crate) use flights::{Delays, Flights};
pub(crate) use output::{Bytes, Nested, Number, Text, nested, text};
pub(crate) use stream::Stream;
pub(crate) use sum::Array;
pub use sum::{Section, Sum};
pub(crate) use timed::Timed;
pub(crate) use words::Words;
