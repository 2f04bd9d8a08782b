//! A small output for each of very many items, looked at in order and kept nowhere.

use crate::work::Work;

pub(crate) struct Stream;

impl Work for Stream {
    type Item = u64;
    type Shared = u8;
    type Output = [u64; 4];

    const SHARES: bool = false;

    fn call(item: &u64, _: &[u8]) -> [u64; 4] {
        [*item, item + 1, item * 2, item * 3]
    }

    fn digest(output: &[u64; 4]) -> u64 {
        output.iter().sum()
    }
}
