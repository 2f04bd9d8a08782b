//! A state constructor that owns something.
//! refused: this function cannot be called in another process

use partools_core::{Loopback, over};

pub fn main() {
    #[cfg(refused)]
    let name = String::from("log");
    #[cfg(refused)]
    let start = move |worker| format!("{name}{worker}");
    #[cfg(not(refused))]
    let start = |worker| format!("log{worker}");
    let job = over(0..2).state(start).map_cx(|i, cx| cx.state.len() + i);
    assert_eq!(job.run(&Loopback).unwrap(), [4, 5]);
}
