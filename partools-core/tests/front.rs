//! The front door, as a user opens it: the builder, its call forms and its endings, on an executor of scoped
//! threads. What may go wrong behind it is in `wrong/`; what every executor promises, in
//! `partools-conformance`.

use partools_core::{
    Caller, Capabilities, Chunks, Error, Executor, Failed, Run, Task, chunks, over, zip,
};
use std::time::Duration;

/// Scoped threads, the caller among them.
struct Scoped(usize);

impl<T: Task + Sync> Executor<T> for Scoped
where
    T::Output: Send,
{
    fn capabilities(&self) -> Capabilities {
        Capabilities::new("scoped", self.0)
    }
    fn execute(
        &self,
        task: &T,
        run: &Run<T::Output>,
        caller: &mut Caller<'_, T::Output>,
    ) -> Result<(), Error> {
        std::thread::scope(|s| {
            for worker in 1..self.0 {
                s.spawn(move || run.work(task, worker));
            }
            caller.work(task);
        });
        Ok(())
    }
}

const NUMBERS: [f64; 4] = [1.0, 2.0, 3.0, 4.0];
const NAMES: [&str; 4] = ["a", "bb", "c", "d"];

#[test]
fn a_slice_lends_references() -> Result<(), Error> {
    let (numbers, k) = (NUMBERS.to_vec(), 2.0);
    let doubled = over(&numbers).map(|x| x * k).run(&Scoped(3))?;
    assert_eq!(doubled, [2.0, 4.0, 6.0, 8.0]);
    let doubled = over(numbers.as_slice()).map(|x| x * k).run(&Scoped(3))?;
    assert_eq!(doubled, [2.0, 4.0, 6.0, 8.0]);
    Ok(())
}

#[test]
fn a_vector_and_an_array_may_be_given_away() -> Result<(), Error> {
    assert_eq!(over(vec![1, 2]).map(|x| x + 1).run(&Scoped(3))?, [2, 3]);
    assert_eq!(over([1, 2]).map(|x| x + 1).run(&Scoped(3))?, [2, 3]);
    Ok(())
}

#[test]
fn a_range_lends_its_indices() -> Result<(), Error> {
    assert_eq!(over(5..8).map(|i| i * 2).run(&Scoped(3))?, [10, 12, 14]);
    Ok(())
}

#[test]
fn chunks_lend_pieces_of_a_slice() -> Result<(), Error> {
    let sums = over(chunks(&NUMBERS, 2)).map(|c| c.iter().sum::<f64>());
    assert_eq!(sums.run(&Scoped(3))?, [3.0, 7.0]);
    Ok(())
}

#[test]
fn a_zip_lends_pairs() -> Result<(), Error> {
    let pairs = over(zip(&NUMBERS, &NAMES)).map(|(x, n)| format!("{x}{n}"));
    assert_eq!(pairs.run(&Scoped(3))?, ["1a", "2bb", "3c", "4d"]);
    Ok(())
}

#[test]
fn a_zip_of_chunks_sees_the_shared_argument() -> Result<(), Error> {
    let zipped = over(zip(chunks(&NUMBERS, 2), 0..2)).shared(NUMBERS.as_slice());
    let sums = zipped.map(|(c, i), all| c[0] + all[i]);
    assert_eq!(sums.run(&Scoped(3))?, [2.0, 5.0]);
    Ok(())
}

#[test]
fn options_stand_in_any_order() -> Result<(), Error> {
    let map = over(&NAMES)
        .retries(2)
        .shared(&NUMBERS)
        .chunk(Chunks::of(3));
    let lengths = map.map(|name, numbers| numbers.len() + name.len());
    assert_eq!(lengths.run(&Scoped(3))?, [5, 6, 5, 5]);
    Ok(())
}

#[test]
fn the_full_form_has_state_shared_argument_and_index() -> Result<(), Error> {
    let map = over(&NAMES).state(|worker| vec![worker]).shared(&NUMBERS);
    let places = map.map_cx(|name, cx| {
        cx.state.push(name.len());
        assert_eq!(cx.state[0], cx.worker);
        cx.shared.len() + cx.index
    });
    assert_eq!(places.run(&Scoped(3))?, [4, 5, 6, 7]);
    Ok(())
}

#[test]
fn a_named_function_does_as_well_as_a_closure() -> Result<(), Error> {
    fn half(x: &f64) -> f64 {
        x / 2.0
    }
    fn scale(x: &f64, all: &[f64]) -> f64 {
        x * all[1]
    }
    let halves = over(&NUMBERS).map(half).run(&Scoped(3))?;
    assert_eq!(halves, [0.5, 1.0, 1.5, 2.0]);
    let scaled = over(&NUMBERS).shared(NUMBERS.as_slice()).map(scale);
    assert_eq!(scaled.run(&Scoped(3))?, [2.0, 4.0, 6.0, 8.0]);
    Ok(())
}

/// Calls `check` with every combination of these lengths, workers and chunks.
fn for_each_layout(
    mut check: impl FnMut(usize, &Scoped, Chunks) -> Result<(), Error>,
) -> Result<(), Error> {
    for count in [0, 1, 2, 7, 1000, 30_000] {
        for workers in [1, 2, 3, 8] {
            for chunks in [
                Chunks::Auto,
                Chunks::of(3),
                Chunks::per_worker(4),
                Chunks::guided(),
            ] {
                check(count, &Scoped(workers), chunks)?;
            }
        }
    }
    Ok(())
}

#[test]
fn run_gives_the_outputs_in_order_whatever_the_layout() -> Result<(), Error> {
    for_each_layout(|count, on, chunks| {
        let outputs = over(0..count)
            .chunk(chunks)
            .map(|i| i.to_string())
            .run(on)?;
        assert!(outputs.into_iter().eq((0..count).map(|i| i.to_string())));
        Ok(())
    })
}

#[test]
fn for_each_delivers_in_order_on_the_calling_thread_whatever_the_layout() -> Result<(), Error> {
    let here = std::thread::current().id();
    for_each_layout(|count, on, chunks| {
        let mut next = 0;
        let job = over(0..count).chunk(chunks).map(|i| i.to_string());
        job.for_each(on, |i, output| {
            assert_eq!((i, output), (next, next.to_string()));
            assert_eq!(std::thread::current().id(), here);
            next += 1;
        })?;
        assert_eq!(next, count);
        Ok(())
    })
}

/// (That it is always the lowest is stressed in `wrong/failures.rs`.)
#[test]
fn the_error_of_run_names_the_lowest_failing_item_and_the_place_of_its_panic() {
    let job = over(0..100).map(|i| {
        if i == 7 {
            std::thread::sleep(Duration::from_micros(300));
        }
        assert!(i != 7 && i != 40, "item {i} is bad");
        i.to_string()
    });
    let error = job.run(&Scoped(3)).expect_err("items 7 and 40 fail");
    let item = error.item().expect("an item's failure");
    assert_eq!(item.index(), 7);
    assert!(error.to_string().contains("item 7 is bad"), "{error}");
    let place = item.location().expect("the hook saw it");
    assert!(place.file.ends_with("front.rs"), "{place}");
}

#[test]
fn run_ok_gives_the_lowest_err_as_the_users_own() {
    let job = over(0..100).map(|i| match i % 10 {
        3 => Err(format!("e{i}")),
        _ => Ok(i),
    });
    let failed = job.run_ok(&Scoped(3)).expect_err("item 3 and others");
    assert!(matches!(failed, Failed::Item { index: 3, error } if error == "e3"));
}

#[test]
fn an_item_that_fails_is_tried_again_as_often_as_asked() -> Result<(), Error> {
    let job = over(0..100).retries(2).map_cx(|i, cx| {
        assert!(i % 10 != 3 || cx.attempt == 2, "again");
        cx.attempt
    });
    let attempts = job.run(&Scoped(2))?;
    assert!(
        attempts
            .iter()
            .enumerate()
            .all(|(i, &a)| a == if i % 10 == 3 { 2 } else { 0 })
    );
    Ok(())
}

#[test]
fn try_run_gives_a_failure_as_a_value_and_all_the_others() -> Result<(), Error> {
    let results = over(0..100)
        .map(|i| if i == 7 { panic!("seven") } else { i })
        .try_run(&Scoped(2))?;
    for (i, result) in results.iter().enumerate() {
        assert_eq!(result.as_ref().ok(), (i != 7).then_some(&i));
    }
    Ok(())
}
