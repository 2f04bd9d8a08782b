//! `serialized` stands on a field.
//! refused: `serialized` stands on a field

use partools::{Loopback, SharedArg, over};
use std::collections::BTreeMap;

#[derive(SharedArg)]
#[cfg_attr(refused, shared_arg(serialized))]
struct Prices<'a> {
    #[cfg_attr(not(refused), shared_arg(serialized))]
    prices: &'a BTreeMap<String, f64>,
}

pub fn main() {
    let prices = BTreeMap::from([("pear".to_owned(), 2.0)]);
    let job = over(0..1).shared(Prices { prices: &prices }).map(|_, shop| shop.prices["pear"]);
    assert_eq!(job.run(&Loopback).unwrap(), [2.0]);
}
