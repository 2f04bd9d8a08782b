//! What the closure sees ends with the map: it cannot be an output.
//! refused: lifetime may not live long enough

use partools_core::{Serial, over};

pub fn main() {
    let table = [2.0, 3.0];
    #[cfg(refused)]
    let rows = over(0..2).shared(table.as_slice()).map(|i, table| &table[i..]).run(&Serial).unwrap();
    #[cfg(not(refused))]
    let rows = over(0..2).shared(table.as_slice()).map(|i, table| table[i..].to_vec()).run(&Serial).unwrap();
    assert_eq!(rows[1], [3.0]);
}
