//! The outputs of the suite: one type for each way in which an output can be hard to move. Each is a pure
//! function of its item's index, and compared bit by bit.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering};

/// An output that is a pure function of the index of its item.
pub trait Product: Send + Serialize + for<'de> Deserialize<'de> + 'static {
    /// Its name in the names of cases.
    const NAME: &'static str;

    /// The output of item `index`.
    fn of(index: usize) -> Self;

    /// Are these the same, bit by bit, and does this one lie where a value of its type may lie?
    fn is(&self, expected: &Self) -> bool;

    /// How many values of this type there are in this process, for types that count.
    fn live() -> Option<isize> {
        None
    }
}

/// A number that looks random and depends on `index` alone (the finalizer of MurmurHash3).
pub(crate) fn mix(index: usize) -> u64 {
    let mut x = index as u64 ^ 0x9E37_79B9_7F4A_7C15;
    x = (x ^ (x >> 33)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    x = (x ^ (x >> 33)).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    x ^ (x >> 33)
}

impl Product for () {
    const NAME: &'static str = "units";
    fn of(_: usize) -> Self {}
    fn is(&self, _: &Self) -> bool {
        true
    }
}

impl Product for u8 {
    const NAME: &'static str = "bytes";
    fn of(index: usize) -> Self {
        mix(index).to_le_bytes()[0]
    }
    fn is(&self, expected: &Self) -> bool {
        self == expected
    }
}

/// All bit patterns but signalling ones: also infinities, negative zero and numbers that are none.
impl Product for f64 {
    const NAME: &'static str = "floats";
    fn of(index: usize) -> Self {
        match index % 7 {
            1 => -0.0,
            3 => f64::NEG_INFINITY,
            5 => f64::from_bits(0x7FF8_0000_0000_0000 | (mix(index) >> 32)),
            _ => f64::from_bits(mix(index) >> 2),
        }
    }
    fn is(&self, expected: &Self) -> bool {
        self.to_bits() == expected.to_bits()
    }
}

impl Product for u64 {
    const NAME: &'static str = "words";
    fn of(index: usize) -> Self {
        mix(index)
    }
    fn is(&self, expected: &Self) -> bool {
        self == expected
    }
}

/// From no byte to some dozens, and not only ASCII.
impl Product for String {
    const NAME: &'static str = "strings";
    fn of(index: usize) -> Self {
        let mut text = format!("{index}");
        match index % 5 {
            0 => text.clear(),
            1 => text.push_str(" größer als zuvor"),
            2 => text.push('\0'),
            _ => {}
        }
        text
    }
    fn is(&self, expected: &Self) -> bool {
        self == expected
    }
}

/// Of lengths 0 to 16.
impl Product for Vec<f64> {
    const NAME: &'static str = "uneven_vectors";
    fn of(index: usize) -> Self {
        (0..index % 17)
            .map(|k| f64::of(index.wrapping_add(k)))
            .collect()
    }
    fn is(&self, expected: &Self) -> bool {
        self.len() == expected.len() && self.iter().zip(expected).all(|(x, y)| x.is(y))
    }
}

/// A struct with all that serde has: an option, an enumeration, text, a tuple, a vector of its own kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Nested {
    name: Option<String>,
    shape: Shape,
    words: Vec<String>,
    pair: (i8, u64),
    inner: Vec<Nested>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Shape {
    Point,
    Circle(f64),
    Box { width: u32, height: Option<u32> },
}

impl Nested {
    fn flat(index: usize) -> Self {
        let x = mix(index);
        let [a, b, c, ..] = x.to_le_bytes();
        Nested {
            name: index.is_multiple_of(2).then(|| format!("n{index}")),
            shape: match index % 3 {
                0 => Shape::Point,
                1 => Shape::Circle(f64::from(a)),
                _ => Shape::Box {
                    width: b.into(),
                    height: index.is_multiple_of(4).then_some(c.into()),
                },
            },
            words: (0..index % 3).map(|k| format!("w{k}")).collect(),
            pair: (a.cast_signed(), x),
            inner: Vec::new(),
        }
    }
}

impl Product for Nested {
    const NAME: &'static str = "nested_structs";
    fn of(index: usize) -> Self {
        let inner = if index.is_multiple_of(4) {
            vec![Self::flat(index + 1)]
        } else {
            Vec::new()
        };
        Nested {
            inner,
            ..Self::flat(index)
        }
    }
    fn is(&self, expected: &Self) -> bool {
        self == expected
    }
}

/// A struct of no bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoSpace;

impl Product for NoSpace {
    const NAME: &'static str = "zero_sized";
    fn of(_: usize) -> Self {
        NoSpace
    }
    fn is(&self, _: &Self) -> bool {
        true
    }
}

/// Aligned to a cache line, and checked to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(align(64))]
pub struct Aligned(u64);

impl Product for Aligned {
    const NAME: &'static str = "over_aligned";
    fn of(index: usize) -> Self {
        Aligned(mix(index))
    }
    fn is(&self, expected: &Self) -> bool {
        std::ptr::from_ref(self).addr().is_multiple_of(64) && self == expected
    }
}

/// Five megabytes of numbers, which need no serializer.
impl Product for Vec<u64> {
    const NAME: &'static str = "five_megabytes";
    /// One word all over, and its own place in every thousandth: fast to make and to compare, and a part
    /// that moved is seen.
    fn of(index: usize) -> Self {
        let mut words = vec![mix(index); FIVE_MEGABYTES / size_of::<u64>()];
        for (thousand, place) in words.chunks_mut(1000).zip(0..) {
            thousand[0] = place;
        }
        words
    }
    fn is(&self, expected: &Self) -> bool {
        self == expected
    }
}

/// Five megabytes of text, which go through a serializer whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bulk {
    number: usize,
    text: String,
}

const FIVE_MEGABYTES: usize = 5_000_000;

impl Product for Bulk {
    const NAME: &'static str = "five_megabytes_of_text";
    fn of(index: usize) -> Self {
        let word = format!("{:016x}", mix(index));
        Bulk {
            number: index,
            text: word.repeat(FIVE_MEGABYTES / word.len()),
        }
    }
    fn is(&self, expected: &Self) -> bool {
        self == expected
    }
}

/// A value that counts how many of its kind live in this process: made, cloned and decoded ones.
#[derive(Debug)]
pub struct Counted(u64);

static COUNTED: AtomicIsize = AtomicIsize::new(0);

impl Counted {
    fn new(word: u64) -> Self {
        COUNTED.fetch_add(1, Ordering::Relaxed);
        Counted(word)
    }
}

impl Product for Counted {
    const NAME: &'static str = "drop_counting";
    fn of(index: usize) -> Self {
        Counted::new(mix(index))
    }
    fn is(&self, expected: &Self) -> bool {
        self.0 == expected.0
    }
    fn live() -> Option<isize> {
        Some(COUNTED.load(Ordering::Relaxed))
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        Counted::new(self.0)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        COUNTED.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Serialize for Counted {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        u64::deserialize(from).map(Counted::new)
    }
}

/// A value whose drop panics, as every third does. One that was sent on (serialized) is dropped quietly,
/// because the value that arrives panics in its place.
#[derive(Debug)]
pub struct Explosive {
    index: u64,
    armed: AtomicBool,
}

static EXPLOSIVE: AtomicIsize = AtomicIsize::new(0);

impl Explosive {
    fn new(index: u64) -> Self {
        EXPLOSIVE.fetch_add(1, Ordering::Relaxed);
        Explosive {
            index,
            armed: AtomicBool::new(index.is_multiple_of(3)),
        }
    }
}

impl Product for Explosive {
    const NAME: &'static str = "explosive";
    fn of(index: usize) -> Self {
        Explosive::new(index as u64)
    }
    fn is(&self, expected: &Self) -> bool {
        self.index == expected.index
    }
    fn live() -> Option<isize> {
        Some(EXPLOSIVE.load(Ordering::Relaxed))
    }
}

impl Drop for Explosive {
    fn drop(&mut self) {
        EXPLOSIVE.fetch_sub(1, Ordering::Relaxed);
        if *self.armed.get_mut() && !std::thread::panicking() {
            panic!("output {} explodes", self.index);
        }
    }
}

impl Serialize for Explosive {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.armed.store(false, Ordering::Relaxed);
        self.index.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Explosive {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        u64::deserialize(from).map(Explosive::new)
    }
}
