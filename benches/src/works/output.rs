//! Outputs of all sizes. An item is its own number.

use crate::work::Work;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A number.
pub(crate) struct Number;

impl Work for Number {
    type Item = u64;
    type Shared = u8;
    type Output = f64;

    const SHARES: bool = false;

    fn call(item: &u64, _: &[u8]) -> f64 {
        (item * 3 + 1) as f64
    }

    fn digest(output: &f64) -> u64 {
        *output as u64
    }
}

/// `(number, size)` gives so many bytes, never zero ones: those would come from the kernel without being written.
pub(crate) struct Bytes;

impl Work for Bytes {
    type Item = (u64, u64);
    type Shared = u8;
    type Output = Vec<u8>;

    const SHARES: bool = false;

    fn call(&(item, size): &(u64, u64), _: &[u8]) -> Vec<u8> {
        vec![(item % 251) as u8 + 1; size as usize]
    }

    fn digest(output: &Vec<u8>) -> u64 {
        output.iter().map(|&byte| u64::from(byte)).sum()
    }
}

/// A string.
pub(crate) struct Text;

impl Work for Text {
    type Item = u64;
    type Shared = u8;
    type Output = String;

    const SHARES: bool = false;

    fn call(item: &u64, _: &[u8]) -> String {
        text(*item)
    }

    fn digest(output: &String) -> u64 {
        output.bytes().map(u64::from).sum()
    }
}

pub(crate) fn text(item: u64) -> String {
    format!("item {item} of a list of many strings")
}

/// A struct of structs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Node {
    id: u64,
    name: String,
    points: Vec<(f64, f64)>,
    tags: BTreeMap<String, u64>,
    child: Option<Box<Node>>,
}

pub(crate) struct Nested;

impl Work for Nested {
    type Item = u64;
    type Shared = u8;
    type Output = Node;

    const SHARES: bool = false;

    fn call(item: &u64, _: &[u8]) -> Node {
        nested(*item, 1)
    }

    fn digest(output: &Node) -> u64 {
        let points: f64 = output.points.iter().map(|(x, y)| x + y).sum();
        let own = output.id + output.name.len() as u64 + points as u64;
        own + output.tags.values().sum::<u64>() + output.child.as_deref().map_or(0, Self::digest)
    }
}

pub(crate) fn nested(id: u64, depth: u32) -> Node {
    Node {
        id,
        name: text(id),
        points: (0..4).map(|k| ((id + k) as f64, k as f64)).collect(),
        tags: (0..3).map(|k| (format!("tag {k}"), id * k)).collect(),
        child: (depth > 0).then(|| Box::new(nested(id + 1, depth - 1))),
    }
}
