//! What the closure borrows is not there in another process. (The compiler speaks of lifetimes, where it has no room for
//! our words. It advises `move`, and who does that reads `closure_that_owns` or `closure_that_captures_a_number`.)
//! refused: `'static`

use partools_core::{Loopback, over};

pub fn main() {
    let table = vec![2.0, 3.0];
    #[cfg(refused)]
    let job = over(0..2).map(|i| table[i]);
    #[cfg(not(refused))]
    let job = over(0..2).shared(table.as_slice()).map(|i, table| table[i]);
    assert_eq!(job.run(&Loopback).unwrap(), [2.0, 3.0]);
}
