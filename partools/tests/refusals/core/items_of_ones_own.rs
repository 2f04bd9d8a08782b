//! Items of one's own are known here; the far side has ranges and slices.
//! refused: items of type `Squares` cannot be sent to another process
//! refused: run over indices, and hand what they point into over by `.shared(..)`

use partools_core::{Items, Lend, Loopback, over};

struct Squares(usize);

impl Lend<'_> for Squares {
    type Item = usize;
}

impl Items for Squares {
    fn count(&self) -> usize {
        self.0
    }
    fn at(&self, index: usize) -> usize {
        index * index
    }
}

pub fn main() {
    let squares = Squares(3);
    #[cfg(refused)]
    let job = over(squares).map(|x| x);
    #[cfg(not(refused))]
    let job = over(0..squares.count()).map(|i| i * i);
    assert_eq!(job.run(&Loopback).unwrap(), [0, 1, 4]);
}
