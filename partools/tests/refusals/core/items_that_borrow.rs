//! Items are made anew on the far side, which takes a type that owns what it is. (`&str` is one that serde can read from
//! memory that lives long enough: what is missing is a lifetime, and there the compiler has no room for our words.)
//! refused: `serde_core::de::Deserialize` is not general enough

use partools_core::{Loopback, over};

pub fn main() {
    #[cfg(refused)]
    let words: &[&str] = &["a", "bb"];
    #[cfg(not(refused))]
    let words: &[String] = &["a".to_owned(), "bb".to_owned()];
    let job = over(words).map(|word| word.len());
    assert_eq!(job.run(&Loopback).unwrap(), [1, 2]);
}
