//! User code that panics, lies or refuses, wherever it is called at the border: the item is blamed, or the map ends, and
//! nothing else is touched.

use super::bench::{first_request, serve, with};
use partools_core::wire::{FrameReader, FrameWriter, Outlet, Record, WireError};
use partools_core::{
    Attach, Cause, Chunks, CodecError, Items, Job, Layout, Lend, Loopback, PortableItems,
    PortableTask, Serialized, Span, StartError, Task, Writer, over, zip,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What a value does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Wrong {
    Nothing,
    Write,
    WriteAndDrop,
    RefuseToWrite,
    Read,
    RefuseToRead,
    Drop,
}

/// A value that does it.
#[derive(Debug)]
struct Odd(u32, Wrong);

impl Serialize for Odd {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.1 {
            Wrong::Write | Wrong::WriteAndDrop => panic!("writing {}", self.0),
            Wrong::RefuseToWrite => Err(serde::ser::Error::custom("not this one")),
            wrong => (self.0, wrong).serialize(to),
        }
    }
}
impl<'de> Deserialize<'de> for Odd {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match <(u32, Wrong)>::deserialize(from)? {
            (n, Wrong::Read) => panic!("reading {n}"),
            (_, Wrong::RefuseToRead) => Err(serde::de::Error::custom("not this one")),
            (n, wrong) => Ok(Odd(n, wrong)),
        }
    }
}
impl Drop for Odd {
    fn drop(&mut self) {
        if matches!(self.1, Wrong::Drop | Wrong::WriteAndDrop) {
            panic!("dropping {}", self.0);
        }
    }
}

/// Whom to forget, so that the test itself does not drop it.
fn forget(items: Vec<Odd>) {
    items.into_iter().for_each(std::mem::forget);
}

#[test]
fn an_output_that_cannot_be_written_or_read_fails_alone() {
    for wrong in [
        Wrong::Write,
        Wrong::WriteAndDrop,
        Wrong::RefuseToWrite,
        Wrong::Read,
        Wrong::RefuseToRead,
    ] {
        let items: Vec<(u32, Wrong)> = (0..6)
            .map(|n| (n, if n % 3 == 1 { wrong } else { Wrong::Nothing }))
            .collect();
        let results = over(&items)
            .map(|&(n, wrong)| Odd(n, wrong))
            .try_run(&Loopback)
            .unwrap();
        for (index, result) in results.iter().enumerate() {
            match (index % 3, result) {
                (1, Err(error)) => {
                    assert_eq!(error.index(), index);
                    let refused = matches!(error.cause(), Cause::NotPortable(_));
                    let panicked = matches!(
                        error.cause(),
                        Cause::Panicked {
                            location: Some(_),
                            ..
                        }
                    );
                    let refuses = matches!(wrong, Wrong::RefuseToWrite | Wrong::RefuseToRead);
                    assert!(
                        if refuses { refused } else { panicked },
                        "{wrong:?}: {error}"
                    );
                }
                (_, Ok(odd)) => assert_eq!(odd.0 as usize, index),
                (_, other) => panic!("{wrong:?}, item {index}: {other:?}"),
            }
        }
    }
}

#[test]
fn an_item_that_cannot_be_written_or_read_fails_alone() {
    for wrong in [
        Wrong::Write,
        Wrong::RefuseToWrite,
        Wrong::Read,
        Wrong::RefuseToRead,
    ] {
        for bad in [&[0][..], &[2, 3], &[5], &[0, 1, 2, 3, 4, 5]] {
            let items: Vec<Odd> = (0..6)
                .map(|n| {
                    Odd(
                        n,
                        if bad.contains(&n) {
                            wrong
                        } else {
                            Wrong::Nothing
                        },
                    )
                })
                .collect();
            let results = over(&items)
                .chunk(Chunks::of(4))
                .map_cx(|odd, cx| (odd.0, cx.index, cx.attempt))
                .try_run(&Loopback)
                .unwrap();
            for (index, result) in (0_u32..).zip(&results) {
                match result {
                    Ok(output) => {
                        assert!(!bad.contains(&index));
                        assert_eq!(*output, (index, index as usize, 0));
                    }
                    Err(error) => {
                        assert!(bad.contains(&index), "{error}");
                        assert_eq!(error.index(), index as usize);
                        let refuses = matches!(wrong, Wrong::RefuseToWrite | Wrong::RefuseToRead);
                        assert_eq!(matches!(error.cause(), Cause::NotPortable(_)), refuses);
                        let text = error.to_string();
                        assert!(!text.contains("output"), "an item is no output: {text}");
                    }
                }
            }
        }
    }
}

/// Numbers of which one refuses to be packed and another panics; on the far side they are as plain as others.
struct Choosy(Vec<u64>);
impl<'a> Lend<'a> for Choosy {
    type Item = &'a u64;
}
impl Items for Choosy {
    fn count(&self) -> usize {
        self.0.len()
    }
    fn at(&self, index: usize) -> &u64 {
        &self.0[index]
    }
}
impl PortableItems for Choosy {
    type Head = ();
    type Far = Vec<u64>;
    fn head(&self) {}
    fn pack_item(&self, index: usize, out: &mut FrameWriter) -> Result<(), CodecError> {
        match index {
            3 => out.value(&Odd(3, Wrong::RefuseToWrite)),
            4 => panic!("packing 4"),
            _ => out.value(&self.0[index]),
        }
    }
}

#[test]
fn a_plain_item_that_cannot_be_packed_fails_alone() {
    let halves: Vec<f32> = (0_u8..9).map(|n| f32::from(n) / 2.0).collect();
    for size in 1..=9 {
        // Half of each bad item has been packed.
        let job = over(zip(&halves, Choosy((10..19).collect())));
        let job = job
            .chunk(Chunks::of(size))
            .map(|(half, n)| (f64::from(*half), *n));
        let results = job.try_run(&Loopback).expect("it ran");
        for (index, result) in results.iter().enumerate() {
            match (index, result) {
                (3, Err(error)) => assert!(matches!(error.cause(), Cause::NotPortable(_))),
                (4, Err(error)) => assert!(error.to_string().ends_with("packing 4"), "{error}"),
                (_, result) => {
                    let output = (index as f64 / 2.0, 10 + index as u64);
                    assert_eq!(*result.as_ref().expect("an output"), output);
                }
            }
        }
    }
}

#[test]
fn plain_items_take_their_own_bytes_and_no_others() {
    let (numbers, pairs, bytes) = ([1_u64; 50], [[2_f32; 2]; 50], [3_u8; 50]);
    let none = with(&over(&numbers[..1]).map(|n| *n), &|task, run, _| {
        let header = first_request(task, run).len() - 8;
        let job = over(zip(zip(&numbers, 0..50), zip(&pairs, &bytes)));
        let job = job.chunk(Chunks::of(50)).map(|((n, _), _)| *n);
        let all = with(&job, &|task, run, _| {
            assert_eq!(first_request(task, run).len(), header + 50 * (8 + 8 + 1));
            Err(partools_core::Error::executor("seen"))
        });
        assert_eq!(all.unwrap_err().to_string(), "seen");
        Err(partools_core::Error::executor("seen, too"))
    });
    assert_eq!(none.unwrap_err().to_string(), "seen, too");
}

#[test]
fn an_item_that_can_be_written_only_once_crosses() {
    struct Once(Cell<bool>);
    impl Serialize for Once {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            match self.0.replace(true) {
                false => to.serialize_u8(7),
                true => Err(serde::ser::Error::custom("it was written before")),
            }
        }
    }
    impl<'de> Deserialize<'de> for Once {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            u8::deserialize(from).map(|_| Once(Cell::new(false)))
        }
    }
    let items: Vec<Once> = (0..4).map(|n| Once(Cell::new(n == 2))).collect();
    let results = over(&items).map(|_| 1).try_run(&Loopback).unwrap();
    let good: Vec<bool> = results.iter().map(Result::is_ok).collect();
    assert_eq!(good, [true, true, false, true]);
}

#[test]
fn items_that_panic_when_they_are_dropped_harm_nobody() {
    let items: Vec<Odd> = (0..9).map(|n| Odd(n, Wrong::Drop)).collect();
    let outputs = over(&items)
        .chunk(Chunks::of(4))
        .map(|odd| odd.0)
        .run(&Loopback);
    let pieces = over(partools_core::chunks(&items, 2))
        .map(|two| two.len())
        .run(&Loopback);
    let zipped = over(partools_core::zip(&items, 0..100))
        .map(|(odd, i)| odd.0 as usize + i)
        .run(&Loopback);
    forget(items);
    assert_eq!(outputs.unwrap(), (0..9).collect::<Vec<_>>());
    assert_eq!(pieces.unwrap(), [2, 2, 2, 2, 1]);
    assert_eq!(zipped.unwrap()[8], 16);
}

#[test]
fn a_shared_copy_that_panics_when_it_is_dropped_ends_the_map_with_words() {
    let odd = Odd(7, Wrong::Drop);
    let result = over(0..3)
        .shared(Serialized(&odd))
        .map(|i, odd| i + odd.0 as usize)
        .run(&Loopback);
    std::mem::forget(odd);
    let error = result.unwrap_err();
    assert!(error.to_string().contains("dropping 7"), "{error}");
    assert!(error.is_contract());
}

#[test]
fn a_shared_argument_that_panics_on_its_way_ends_the_map_with_words() {
    for (wrong, words) in [(Wrong::Write, "writing 7"), (Wrong::Read, "reading 7")] {
        let odd = Odd(7, wrong);
        let error = over(0..3)
            .shared(Serialized(&odd))
            .map(|i, odd| i + odd.0 as usize)
            .run(&Loopback)
            .unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.is_contract(), "{error}");
    }
}

#[test]
fn a_state_that_cannot_be_made_or_dropped_ends_the_map_as_it_does_here() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("the state's drop");
        }
    }
    let error = over(0..3)
        .state(|_| Bomb)
        .map_cx(|i, _| i)
        .run(&Loopback)
        .unwrap_err();
    assert!(
        error.is_contract() && error.to_string().contains("the state's drop"),
        "{error}"
    );
    let error = over(0..3)
        .try_state(|worker| Err::<(), _>(format!("no device {worker}")))
        .map_cx(|i, _| i)
        .run(&Loopback)
        .unwrap_err();
    assert!(
        error.is_start() && error.to_string().contains("no device 0"),
        "{error}"
    );
    let error = over(0..3)
        .state(|_| panic!("no state"))
        .map_cx(|i, cx: &mut partools_core::Cx<'_, (), ()>| i + size_of_val(cx.state))
        .run(&Loopback)
        .unwrap_err();
    assert!(
        error.is_start() && error.to_string().contains("no state"),
        "{error}"
    );
}

#[test]
fn attempts_are_counted_as_they_are_here() {
    let job = over(&[0_u32, 1, 2, 3, 4, 5])
        .retries(2)
        .chunk(Chunks::of(4))
        .map_cx(|&n, cx| {
            assert!(n != 3, "three");
            assert!(n % 2 == 0 || cx.attempt == 2, "odd");
            (n, cx.attempt)
        });
    let results = job.try_run(&Loopback).unwrap();
    for (n, result) in (0_u32..).zip(results) {
        match (n, result) {
            (3, Err(error)) => assert_eq!((error.index(), error.attempt()), (3, 2)),
            (n, Ok(output)) => assert_eq!(output, (n, if n % 2 == 0 { 0 } else { 2 })),
            (n, Err(error)) => panic!("{n}: {error}"),
        }
    }
}

#[test]
fn items_above_a_failure_are_not_called() {
    static CALLED: AtomicUsize = AtomicUsize::new(0);
    let called = |ends: &dyn Fn()| {
        CALLED.store(0, Relaxed);
        ends();
        CALLED.load(Relaxed)
    };
    let items: Vec<u32> = (0..100).collect();
    let panics = over(&items).chunk(Chunks::of(50)).map(|&n| {
        CALLED.fetch_add(1, Relaxed);
        assert!(n != 3);
    });
    assert_eq!(called(&|| assert!(panics.run(&Loopback).is_err())), 4);
    let errs = over(&items).chunk(Chunks::of(50)).map(|&n| {
        CALLED.fetch_add(1, Relaxed);
        if n == 3 {
            Err("three".to_owned())
        } else {
            Ok(())
        }
    });
    // Cheap items are called some at a time, but no chunk is sent in vain.
    assert!((4..=50).contains(&called(&|| assert!(errs.run_ok(&Loopback).is_err()))));
}

#[test]
fn a_panic_that_goes_on_has_the_text_that_crossed() {
    let job = over(0..3).map(|i| assert!(i != 1, "one"));
    let payload = catch_unwind(AssertUnwindSafe(|| job.run_or_unwind(&Loopback))).unwrap_err();
    let text = payload.downcast_ref::<String>().expect("text");
    assert!(
        text.starts_with("item 1 panicked") && text.ends_with(": one"),
        "{text}"
    );
}

/// A task that packs more of an item than it takes, or takes more than it packed; and may say that its items are plain.
#[derive(Serialize, Deserialize)]
struct Uneven<const PLAIN: bool> {
    packs: u32,
    takes: u32,
    /// What cannot be read is passed over.
    is_careless: bool,
}
impl<const PLAIN: bool> Task for Uneven<PLAIN> {
    type State = ();
    type Output = u32;
    fn count(&self) -> usize {
        4
    }
    fn start(&self, _: usize) -> Result<(), StartError> {
        Ok(())
    }
    fn call_chunk(&self, (): &mut (), span: &Span, out: &mut Writer<'_, u32>) {
        span.range().for_each(|_| out.push(0));
    }
}
impl<const PLAIN: bool> PortableTask for Uneven<PLAIN> {
    type Far<'m> = Self;
    const DEALT: bool = true;
    fn pack<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
        out.value(self)
    }
    fn unpack<'m>(from: &mut Attach<'m>) -> Result<Self, WireError> {
        from.value()
    }
    fn items_are_plain() -> bool {
        PLAIN
    }
    fn pack_item(&self, _: usize, out: &mut FrameWriter) -> Result<(), CodecError> {
        (0..self.packs).try_for_each(|n| out.value(&n))
    }
    fn take_item(far: &mut Self, from: &mut FrameReader<'_>) -> Result<(), CodecError> {
        let is_careless = far.is_careless;
        (0..far.takes).try_for_each(|_| match from.value::<u32>() {
            Err(error) if !is_careless => Err(error),
            _ => Ok(()),
        })
    }
}

#[test]
fn an_item_that_is_not_taken_as_it_was_packed_is_no_item() {
    fn check<const PLAIN: bool>(is_careless: bool) {
        let job = |packs, takes| {
            Job::new(Uneven::<PLAIN> {
                packs,
                takes,
                is_careless,
            })
        };
        for (packs, takes) in [(2, 1), (1, 2), (1, 0), (0, 1)] {
            let error = job(packs, takes).run(&Loopback).unwrap_err();
            assert!(error.to_string().contains("damaged"), "{error}");
        }
        assert_eq!(job(2, 2).run(&Loopback).unwrap(), [0; 4]);
    }
    for is_careless in [false, true] {
        check::<false>(is_careless);
        check::<true>(is_careless);
    }
}

#[test]
fn an_outlet_that_panics_is_not_blamed_on_an_item() {
    struct Full(Vec<Record>);
    impl Outlet for Full {
        fn send(&mut self, record: Record, _: &[u8]) {
            self.0.push(record);
            assert!(self.0.len() != 3, "the disk is full");
        }
    }
    let job = over(0..5).map(|i| i);
    let result = with(&job, &|task, run, parcel| {
        let message = first_request(task, run);
        let mut outlet = Full(Vec::new());
        let panic = serve(parcel, |server| {
            catch_unwind(AssertUnwindSafe(|| server.answer(&message, &mut outlet)))
                .expect_err("the outlet's panic")
        })?;
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"the disk is full"));
        assert_eq!(outlet.0, [Record::Begin, Record::Output, Record::Output]);
        Err(partools_core::Error::executor("seen"))
    });
    assert_eq!(result.unwrap_err().to_string(), "seen");
}

/// Two functions whose types have one name.
mod tokens {
    pub(super) fn one() -> impl Copy + Send + Sync + 'static {
        #[derive(Clone, Copy)]
        struct Token;
        Token
    }
}

/// Packs one function and unpacks another: of the same name, or by a value that spells its name.
struct Forger<F, G>(F, std::marker::PhantomData<fn() -> G>, bool);
impl<F: partools_core::Remote, G: partools_core::Remote> Task for Forger<F, G> {
    type State = ();
    type Output = ();
    fn count(&self) -> usize {
        1
    }
    fn start(&self, _: usize) -> Result<(), StartError> {
        Ok(())
    }
    fn call_chunk(&self, (): &mut (), span: &Span, out: &mut Writer<'_, ()>) {
        span.range().for_each(|_| out.push(()));
    }
}
impl<F: partools_core::Remote, G: partools_core::Remote> PortableTask for Forger<F, G> {
    type Far<'m> = Forger<G, G>;
    fn pack<'m>(&'m self, out: &mut Layout<'m>) -> Result<(), WireError> {
        match self.2 {
            true => out.value(&std::any::type_name::<G>().as_bytes().to_vec()),
            false => {
                out.function(&self.0);
                Ok(())
            }
        }
    }
    fn unpack<'m>(from: &mut Attach<'m>) -> Result<Self::Far<'m>, WireError> {
        Ok(Forger(from.function()?, std::marker::PhantomData, false))
    }
}
fn forger<F, G>(f: F, _: G, spells: bool) -> Job<Forger<F, G>>
where
    F: partools_core::Remote,
    G: partools_core::Remote,
{
    Job::new(Forger(f, std::marker::PhantomData, spells))
}

#[test]
fn no_function_is_conjured_that_nobody_had() {
    // Two closures of one function have one name.
    let (a, b) = (|| 1, || 2);
    assert_eq!(
        std::any::type_name_of_val(&a),
        std::any::type_name_of_val(&b)
    );
    assert!(forger(a, b, false).run(&Loopback).is_err());
    assert!(forger(a, a, false).run(&Loopback).is_ok());
    assert!(forger(a, tokens::one(), true).run(&Loopback).is_err());
}

#[test]
fn a_request_beyond_the_tasks_items_is_refused() {
    let long = over(0..10).map(|i| i);
    let short = over(0..9).map(|i| i);
    let result = with(&long, &|task, run, _| {
        let message = first_request(task, run);
        let inner = with(&short, &|_, _, parcel| {
            let mut answer = Vec::new();
            let refused = serve(parcel, |server| server.answer(&message, &mut answer))?;
            refused?;
            Ok(())
        });
        let error = inner.expect_err("item 9 is not there").to_string();
        assert!(error.contains("0..10") && error.contains('9'), "{error}");
        Err(partools_core::Error::executor("seen"))
    });
    assert_eq!(result.unwrap_err().to_string(), "seen");
}
