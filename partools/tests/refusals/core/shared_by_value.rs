//! A shared argument is handed over by reference, on every executor.
//! refused: `Vec<f64>` is not a shared argument

use partools_core::{Serial, over};

pub fn main() {
    let table: Vec<f64> = vec![2.0, 3.0];
    #[cfg(refused)]
    let job = over(0..2).shared(table).map(|i, table| table[i]);
    #[cfg(not(refused))]
    let job = over(0..2).shared(&table).map(|i, table| table[i]);
    assert_eq!(job.run(&Serial).unwrap(), [2.0, 3.0]);
}
