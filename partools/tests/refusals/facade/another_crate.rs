//! The generated code names the crate that it is told to name.
//! refused: nothing_of_this_name

use partools::{Loopback, over};

mod renamed {
    pub(super) use partools as inner;
}

#[derive(partools::SharedArg)]
#[cfg_attr(refused, shared_arg(crate = nothing_of_this_name))]
#[cfg_attr(not(refused), shared_arg(crate = renamed::inner))]
struct Columns<'a> {
    delay: &'a [f64],
}

pub fn main() {
    let job = over(0..1).shared(Columns { delay: &[2.0] }).map(|i, columns| columns.delay[i]);
    assert_eq!(job.run(&Loopback).unwrap(), [2.0]);
}
