//! How much is claimed for workers elsewhere, while outputs are delivered, where nobody says how far they may be ahead.

use partools_core::{Caller, Capabilities, Error, Executor, Run, Task, over};
use std::cell::RefCell;
use std::thread;
use std::time::Duration;

/// Answers each claim by itself, item by item, and notes how large claims are.
struct Elsewhere<'a> {
    item: Duration,
    sizes: &'a RefCell<Vec<usize>>,
}

impl<T: Task<Output: Default>> Executor<T> for Elsewhere<'_> {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new("elsewhere", 2)
    }
    fn execute(
        &self,
        _: &T,
        run: &Run<T::Output>,
        caller: &mut Caller<'_, T::Output>,
    ) -> Result<(), Error> {
        while let Some(mut chunk) = run.try_claim() {
            self.sizes.borrow_mut().push(chunk.range().len());
            while !chunk.is_full() {
                if !self.item.is_zero() {
                    thread::sleep(self.item);
                }
                drop(chunk.push(T::Output::default()));
            }
            drop(chunk);
            caller.deliver();
        }
        Ok(())
    }
}

fn largest_claim<O: Default>(count: usize, item: Duration) -> usize {
    let sizes = RefCell::new(Vec::new());
    let on = Elsewhere {
        item,
        sizes: &sizes,
    };
    let job = over(0..count).map(|_| O::default());
    job.for_each(&on, |_, _| {}).expect("it is answered");
    sizes.into_inner().into_iter().max().unwrap_or(0)
}

#[test]
fn cheap_items_are_claimed_by_the_thousand() {
    let largest = largest_claim::<u64>(200_000, Duration::ZERO);
    assert!((500..=2048).contains(&largest), "{largest}");
}

#[test]
fn items_that_take_long_are_claimed_for_ten_milliseconds() {
    // At least so long each, so at most 100 of them; half of that, since two are thought to work.
    let largest = largest_claim::<u64>(1_000, Duration::from_micros(100));
    assert!((4..=50).contains(&largest), "{largest}");
}

#[test]
fn outputs_that_own_memory_are_few_ahead() {
    let largest = largest_claim::<String>(200_000, Duration::ZERO);
    assert!(largest <= 32, "{largest}");
}
