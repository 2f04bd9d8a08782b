//! Values go over and come back; bytes that are no such value do not.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::{CodecError, Plain, PlainVec, Portable, decode, encode, is_plain};

/// `value`, over and back.
#[track_caller]
fn crossed<T: Portable>(value: &T) -> T {
    decode(encode(value, &mut b"left over from before".to_vec()).unwrap()).unwrap()
}

#[track_caller]
fn survives<T: Portable + PartialEq + Debug>(value: T) {
    assert_eq!(crossed(&value), value);
}

#[derive(Serialize, Deserialize, Debug, PartialEq, Clone, Default)]
struct Unit;

#[derive(Serialize, Deserialize, Debug, PartialEq, Clone)]
enum Outcome {
    Nothing,
    Number(f64),
    Pair(u8, String),
    Fit {
        slope: f64,
        notes: Vec<String>,
        inner: Option<Box<Outcome>>,
    },
    Unit(Unit),
}

#[derive(Serialize, Deserialize, Debug, PartialEq, Clone)]
struct Nested {
    id: u64,
    unit: Unit,
    letter: char,
    outcomes: Vec<Outcome>,
    by_name: BTreeMap<String, (i16, f32)>,
    cells: [[u8; 2]; 3],
}

fn nested() -> Nested {
    let fit = Outcome::Fit {
        slope: -1.5,
        notes: vec!["a".into(), String::new()],
        inner: None,
    };
    Nested {
        id: u64::MAX,
        unit: Unit,
        letter: 'ß',
        outcomes: vec![
            Outcome::Nothing,
            Outcome::Number(0.5),
            fit.clone(),
            Outcome::Pair(7, "seven".into()),
            Outcome::Unit(Unit),
            Outcome::Number(1.5),
            Outcome::Fit {
                slope: 2.0,
                notes: vec![],
                inner: Some(Box::new(fit)),
            },
        ],
        by_name: [("x".into(), (-1, 1.0)), ("y".into(), (1, 2.0))].into(),
        cells: [[1, 2], [3, 4], [5, 6]],
    }
}

macro_rules! plain_types_survive {
    ($($name:ident: $($t:ident)*;)*) => {$(
        #[test]
        fn $name() {$(
            assert!(is_plain::<$t>() && is_plain::<Vec<$t>>());
            for value in [$t::MIN, $t::MAX, $t::MIN / (2 as $t), 0 as $t, 1 as $t] {
                survives(value);
            }
            survives(vec![$t::MIN, 1 as $t, $t::MAX]);
            survives(Vec::<$t>::new());
        )*}
    )*};
}
plain_types_survive! {
    unsigned_integers_survive: u8 u16 u32 u64 u128 usize;
    signed_integers_survive: i8 i16 i32 i64 i128 isize;
    floats_survive: f32 f64;
}

macro_rules! arrays_survive {
    ($($t:ident)*) => {
        #[test]
        fn arrays_of_common_numbers_survive_and_are_plain() {$(
            let (a, b, c, d) = ($t::MIN, 1 as $t, 2 as $t, $t::MAX);
            assert!(is_plain::<[$t; 1]>() && is_plain::<[$t; 2]>() && is_plain::<[$t; 3]>());
            assert!(is_plain::<[$t; 4]>() && is_plain::<Vec<[$t; 2]>>());
            assert!(is_plain::<Vec<[$t; 3]>>() && is_plain::<Vec<[$t; 4]>>());
            survives([a]);
            survives([a, b]);
            survives([a, b, c]);
            survives([a, b, c, d]);
            survives(vec![[a, b], [c, d]]);
            survives(vec![[a, b, c], [b, c, d]]);
            survives(vec![[a, b, c, d], [d, c, b, a]]);
            survives(Vec::<[$t; 3]>::new());
        )*}
    };
}
arrays_survive!(u8 u32 u64 usize i32 i64 f32 f64);

#[test]
fn the_bits_of_a_nan_survive() {
    let quiet = f64::from_bits(0x7FF8_0000_0000_1234);
    let negative = f64::from_bits(0xFFF0_0000_0000_0001);
    assert_eq!(crossed(&quiet).to_bits(), quiet.to_bits());
    assert_eq!(crossed(&vec![negative])[0].to_bits(), negative.to_bits());
    assert_eq!(crossed(&f32::from_bits(0x7FC0_0042)).to_bits(), 0x7FC0_0042);
    assert_eq!(crossed(&Some(quiet)).unwrap().to_bits(), quiet.to_bits());
}

#[test]
fn plain_data_lends_its_own_memory() {
    let value = vec![1.0_f64, 2.0];
    let mut scratch = Vec::new();
    let bytes = encode(&value, &mut scratch).unwrap();
    assert_eq!(bytes.as_ptr(), value.as_ptr().cast());
}

#[test]
fn plain_bytes_are_read_at_any_alignment() {
    let values: Vec<f64> = (0..50_u8).map(f64::from).collect();
    for shift in 0..8 {
        let mut bytes = vec![0; shift];
        bytes.extend_from_slice(encode(&values, &mut Vec::new()).unwrap());
        assert_eq!(decode::<Vec<f64>>(&bytes[shift..]).unwrap(), values);
        assert_eq!(
            decode::<[f64; 2]>(&bytes[shift..shift + 16]).unwrap(),
            [0.0, 1.0]
        );
    }
}

#[test]
fn what_is_not_on_the_list_is_not_plain() {
    assert!(
        !is_plain::<()>() && !is_plain::<bool>() && !is_plain::<char>() && !is_plain::<String>()
    );
    assert!(!is_plain::<Option<f64>>() && !is_plain::<Vec<Vec<f64>>>() && !is_plain::<Nested>());
    assert!(!is_plain::<Plain<f64>>() && !is_plain::<Vec<Plain<f64>>>());
}

#[test]
fn structured_values_survive() {
    survives(nested());
    survives(vec![nested(); 3]);
    survives(Ok::<Nested, String>(nested()));
    survives(Err::<Nested, String>("no convergence".into()));
    survives((Some(nested()), None::<u8>, [0_u8; 32]));
    survives(HashMap::from([
        (1_u8, vec![Some("x".to_owned())]),
        (2, vec![None]),
    ]));
    survives(vec![String::new(), "ünï".into(), "x".repeat(1000)]);
    survives(String::from("alone"));
    survives(('z', true, i128::MIN, u128::MAX));
    survives(std::time::Duration::new(5, 6));
    survives(std::net::IpAddr::from([127, 0, 0, 1]));
}

#[test]
fn values_of_no_size_survive() {
    survives(());
    survives(Unit);
    survives([(); 3]);
    survives(vec![Unit; 1000]);
    survives(std::marker::PhantomData::<u8>);
    survives([0_u64; 0]);
}

#[test]
fn scratch_is_cleared_and_keeps_its_room() {
    let mut scratch = Vec::with_capacity(4096);
    for _ in 0..3 {
        assert_eq!(encode(&"ab".to_owned(), &mut scratch).unwrap(), b"\x02ab");
    }
    assert_eq!(scratch.capacity(), 4096);
}

#[test]
fn a_message_without_structs_costs_no_more_than_postcard() {
    let value = vec![Some("ab".to_owned()), None];
    assert_eq!(
        encode(&value, &mut Vec::new()).unwrap(),
        postcard::to_stdvec(&value).unwrap()
    );
}

#[test]
fn plain_data_of_another_length_is_an_error() {
    for wrong in [&[][..], &[0; 7], &[0; 9], &[0; 16]] {
        assert!(decode::<f64>(wrong).is_err(), "{} bytes", wrong.len());
    }
    let error = decode::<Vec<f64>>(&[0; 12]).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("a `alloc::vec::Vec<f64>` could not be read back"),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains("12 bytes, and its elements have 8 each"),
        "{error}"
    );
    assert!(decode::<Vec<[f32; 3]>>(&[0; 16]).is_err());
    assert!(decode::<[f64; 3]>(&[0; 16]).is_err());
}

#[test]
fn bytes_cut_short_are_an_error_wherever_the_cut_is() {
    let mut scratch = Vec::new();
    let value = nested();
    let bytes = encode(&value, &mut scratch).unwrap();
    for end in 0..bytes.len() {
        assert!(
            decode::<Nested>(&bytes[..end]).is_err(),
            "cut at {end} of {}",
            bytes.len()
        );
    }
}

#[test]
fn bytes_left_over_are_an_error() {
    for tail in 1..20 {
        let mut bytes = encode(&nested(), &mut Vec::new()).unwrap().to_vec();
        bytes.extend(vec![0; tail]);
        assert!(decode::<Nested>(&bytes).is_err(), "{tail} too many");
    }
    let error = decode::<String>(b"\x02abc").unwrap_err().to_string();
    assert!(error.contains("bytes were left over, 1 of them"), "{error}");
}

#[test]
fn plain_and_plain_vec_survive_alone_and_inside() {
    survives(Plain([0.5_f64; 20]));
    survives(PlainVec(vec![[1_u16, 2, 3]; 5]));
    survives(PlainVec::<f64>::default());
    survives(vec![
        (
            String::from("x"),
            PlainVec(vec![1.5_f64, 2.5]),
            Plain(7_u64)
        );
        3
    ]);
}

#[test]
fn plain_and_plain_vec_of_another_length_are_errors() {
    let mut scratch = Vec::new();
    let twelve = PlainVec(vec![0_u8; 12]);
    let bytes = encode(&twelve, &mut scratch).unwrap();
    let error = decode::<PlainVec<f64>>(bytes).unwrap_err().to_string();
    assert!(
        error.contains("PlainVec<f64>") && error.contains("elements have 8 each"),
        "{error}"
    );
    let error = decode::<Plain<u64>>(bytes).unwrap_err().to_string();
    assert!(error.contains("12 bytes where it has 8"), "{error}");
    assert_eq!(
        decode::<Plain<[u8; 12]>>(bytes).unwrap().into_inner(),
        [0; 12]
    );
}

#[test]
fn the_error_itself_survives() {
    let error: CodecError = decode::<Nested>(b"").unwrap_err();
    assert!(error.type_name().ends_with("tests::Nested"), "{error}");
    survives(error);
}

#[test]
fn a_visitors_own_words_are_kept() {
    let error = decode::<std::num::NonZeroU8>(&[0]).unwrap_err().to_string();
    assert!(error.contains("nonzero"), "{error}");
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode::<Nested>(&bytes);
        let _ = decode::<Vec<Outcome>>(&bytes);
        let _ = decode::<HashMap<String, Option<Vec<u16>>>>(&bytes);
        let _ = decode::<(char, bool, String, i128)>(&bytes);
        let _ = decode::<PlainVec<f64>>(&bytes);
        let _ = decode::<Vec<f64>>(&bytes);
        let _ = decode::<CodecError>(&bytes);
    }

    #[test]
    fn one_changed_byte_never_panics(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut bytes = encode(&nested(), &mut Vec::new()).unwrap().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = to;
        let _ = decode::<Nested>(&bytes);
    }

    #[test]
    fn ordinary_values_survive(
        value in prop::collection::vec((any::<i64>(), ".*", any::<Option<f32>>()), 0..20),
    ) {
        prop_assert_eq!(crossed(&value), value);
    }
}
