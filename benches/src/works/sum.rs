//! Sums of sections of one large array, which nobody may copy. As fast as memory is read.

use crate::shape::Memory;
use crate::work::Work;
use partools::SharedVec;
use std::ops::Deref;
use std::time::Duration;

/// `(start, end, rest)`: where a section lies, and how many milliseconds to rest behind it. Workers rest in the one
/// round in which memory is watched, so that the watcher can look at processes that hold still.
pub type Section = (u64, u64, u64);

/// An item is a section, the array is shared.
///
/// ```
/// use partools_bench::{Sum, Work};
/// let array: Vec<f64> = (0..1003).map(f64::from).collect();
/// assert_eq!(Sum::call(&(0, 1003, 0), &array), array.iter().sum::<f64>()); // eight sums beside each other
/// ```
#[derive(Debug)]
pub struct Sum;

impl Work for Sum {
    type Item = Section;
    type Shared = f64;
    type Output = f64;

    const SHARES: bool = true;

    fn call(&(start, end, rest): &Section, array: &[f64]) -> f64 {
        let sum = fast_sum(&array[start as usize..end as usize]);
        if rest > 0 {
            std::thread::sleep(Duration::from_millis(rest));
        }
        sum
    }

    fn digest(output: &f64) -> u64 {
        *output as u64
    }
}

/// Eight sums beside each other, as numpy has them: one alone waits for its last addition.
fn fast_sum(numbers: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let chunks = numbers.chunks_exact(8);
    let rest: f64 = chunks.remainder().iter().sum();
    for chunk in chunks {
        for (lane, number) in lanes.iter_mut().zip(chunk) {
            *lane += number;
        }
    }
    lanes.iter().sum::<f64>() + rest
}

/// The array, in whatever memory.
pub(crate) enum Array {
    Own(Vec<f64>),
    Shared(SharedVec<f64>),
}

impl Array {
    /// Whole numbers below 1021, in no simple order.
    pub(crate) fn new(len: usize, memory: Memory) -> std::io::Result<Self> {
        let element = |index: usize| ((index * 7919 + 13) % 1021) as f64;
        if memory == Memory::SharedVec {
            return SharedVec::from_fn(len, element).map(Array::Shared);
        }
        let mut array = Vec::with_capacity(len);
        if memory == Memory::Huge {
            partools::huge_pages(&mut array)?;
        }
        array.extend((0..len).map(element));
        Ok(Array::Own(array))
    }
}

impl Deref for Array {
    type Target = [f64];

    fn deref(&self) -> &[f64] {
        match self {
            Array::Own(array) => array,
            Array::Shared(array) => array,
        }
    }
}
