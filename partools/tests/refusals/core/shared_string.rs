//! A `String` is a pointer to memory of this process; the text can be mapped.
//! refused: `&String` cannot lie in memory that another process maps
//! refused: goes as a text: `.shared(text.as_str())`

use partools_core::{Loopback, over};

pub fn main() {
    let text = String::from("abc");
    #[cfg(refused)]
    let shared = &text;
    #[cfg(not(refused))]
    let shared = text.as_str();
    let job = over(0..3).shared(shared).map(|i, text| text.as_bytes()[i]);
    assert_eq!(job.run(&Loopback).unwrap(), *b"abc");
}
