//! What the closure sees of a compound ends with the map as well.
//! refused: borrowed data escapes outside of closure

use partools::{Serial, SharedArg, over};
use std::cell::RefCell;

#[derive(SharedArg)]
struct Columns<'a> {
    delay: &'a [f64],
}

pub fn main() {
    let delay = [2.0, 3.0];
    let rows = RefCell::new(Vec::new());
    let columns = Columns { delay: &delay };
    let job = over(0..2).shared(columns).map(|i, columns| {
        #[cfg(refused)]
        rows.borrow_mut().push(&columns.delay[i]);
        #[cfg(not(refused))]
        rows.borrow_mut().push(columns.delay[i]);
    });
    job.run(&Serial).unwrap();
    assert_eq!(rows.borrow().len(), 2);
}
