//! A field of a parameter's own type is seen as something else.
//! refused: a field of a type parameter's own type is seen as its view

use partools::{Loopback, SharedArg, over};

#[cfg(refused)]
#[derive(SharedArg)]
struct Pair<T: SharedArg> {
    left: T,
    right: T,
}

#[cfg(not(refused))]
#[derive(SharedArg)]
struct Pair<'a, T: bytemuck::Pod> {
    left: &'a T,
    right: &'a T,
}

pub fn main() {
    #[cfg(refused)]
    let pair = Pair { left: 2.0, right: 3.0 };
    #[cfg(not(refused))]
    let pair = Pair { left: &2.0, right: &3.0 };
    let job = over(0..1).shared(pair).map(|_, pair| pair.left + pair.right);
    assert_eq!(job.run(&Loopback).unwrap(), [5.0]);
}
