//! An enum has parts that are not always there.
//! refused: `SharedArg` is derived for structs
//! refused: or the whole as `Serialized(&value)`

use partools::{Loopback, SharedArg, over};

#[cfg(refused)]
#[derive(SharedArg)]
enum Model<'a> {
    Dense { weights: &'a [f64] },
}

#[cfg(not(refused))]
#[derive(SharedArg)]
struct Model<'a> {
    weights: &'a [f64],
}

pub fn main() {
    #[cfg(refused)]
    let model = Model::Dense { weights: &[2.0] };
    #[cfg(not(refused))]
    let model = Model { weights: &[2.0] };
    let job = over(0..1).shared(model).map(|i, model| {
        #[cfg(refused)]
        let Model::Dense { weights } = model;
        #[cfg(not(refused))]
        let Model { weights } = model;
        weights[i]
    });
    assert_eq!(job.run(&Loopback).unwrap(), [2.0]);
}
