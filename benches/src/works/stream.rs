//! A small output for each of very many items, looked at in order and kept nowhere.

use crate::work::Work;

pub(crate) struct Stream;

impl Work for Stream {
    type Item = u64;
    type Shared = ();
    type Output = [u64; 4];

    fn nothing() -> Option<&'static ()> {
        Some(&())
    }

    fn call(item: &u64, (): &()) -> [u64; 4] {
        [*item, item + 1, item * 2, item * 3]
    }

    fn digest(output: &[u64; 4]) -> u64 {
        output.iter().sum()
    }
}
