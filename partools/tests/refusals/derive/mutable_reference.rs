//! Nobody changes what all see.
//! refused: nobody may change it: `&'a`, without `mut`

use partools::{Loopback, SharedArg, over};

#[derive(SharedArg)]
struct Columns<'a> {
    #[cfg(refused)]
    column: &'a mut [f64],
    #[cfg(not(refused))]
    column: &'a [f64],
    first: &'a [u16],
}

pub fn main() {
    let column = vec![1.0, 2.0];
    let columns = Columns { column: &column, first: &[7] };
    let job = over(0..1).shared(columns).map(|i, columns| columns.column.len() + usize::from(columns.first[i]));
    assert_eq!(job.run(&Loopback).unwrap(), [9]);
}
