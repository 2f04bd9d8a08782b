//! What goes through the whole seam comes out as it does without it, whatever the items, the shared argument and the
//! chunks.

use partools_core::wire::{FrameReader, FrameWriter};
use partools_core::{Chunks, Loopback, Serial, Serialized, chunks, over, zip};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Tree {
    Leaf(Option<i64>),
    Node { name: String, below: Vec<Tree> },
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = any::<Option<i64>>().prop_map(Tree::Leaf);
    leaf.prop_recursive(3, 20, 4, |inner| {
        (".{0,6}", prop::collection::vec(inner, 0..4))
            .prop_map(|(name, below)| Tree::Node { name, below })
    })
}

fn cut() -> impl Strategy<Value = Chunks> {
    prop_oneof![
        Just(Chunks::Auto),
        Just(Chunks::guided()),
        (1..9_usize).prop_map(Chunks::of),
        (1..4_usize).prop_map(Chunks::per_worker),
    ]
}

/// One row: a value of each way through a frame.
type Row = (
    u64,
    [f32; 2],
    String,
    Vec<u16>,
    (),
    Vec<String>,
    Vec<()>,
    Tree,
);

fn row() -> impl Strategy<Value = Row> {
    let words = prop::collection::vec(".{0,150}", 0..5);
    let numbers = prop::collection::vec(any::<u16>(), 0..200);
    let nothing = (0..300_usize).prop_map(|n| vec![(); n]);
    (
        any::<u64>(),
        any::<[i16; 2]>(),
        ".{0,300}",
        numbers,
        Just(()),
        words,
        nothing,
        tree(),
    )
        .prop_map(|(a, b, c, d, e, f, g, h)| (a, b.map(f32::from), c, d, e, f, g, h))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn frames_come_back(rows in prop::collection::vec(row(), 0..4), raw in any::<Vec<u8>>()) {
        let mut out = FrameWriter::new();
        for (a, b, c, d, e, f, g, h) in &rows {
            out.value(a).unwrap();
            out.value(b).unwrap();
            out.bytes(&raw);
            out.value(c).unwrap();
            out.slice(d).unwrap();
            out.value(e).unwrap();
            out.slice(f).unwrap();
            out.slice(g).unwrap();
            out.value(h).unwrap();
        }
        let mut from = FrameReader::new(out.as_bytes());
        for row in rows {
            let a = from.value().unwrap();
            let b = from.value().unwrap();
            prop_assert_eq!(from.bytes(), &raw);
            let read: Row = (
                a, b,
                from.value().unwrap(), from.slice().unwrap(), from.value().unwrap(),
                from.slice().unwrap(), from.slice().unwrap(), from.value().unwrap(),
            );
            prop_assert_eq!(read, row);
        }
        prop_assert!(from.is_empty() && from.check().is_ok());
    }

    #[test]
    fn frames_of_any_bytes_are_read_without_harm(bytes in any::<Vec<u8>>()) {
        let mut from = FrameReader::new(&bytes);
        for _ in 0..4 {
            let _ = from.slice::<u64>();
            let _ = from.slice::<Vec<String>>();
            let _ = from.value::<Tree>();
            let _ = from.slice::<()>();
            let _ = from.bytes();
        }
    }

    #[test]
    fn items_of_every_kind_come_out_as_they_do_here(
        rows in prop::collection::vec(row(), 0..20),
        size in 1..5_usize,
        chunk in cut(),
        from in 0..1000_usize,
    ) {
        let by_row = || over(&rows).chunk(chunk).map(|row| row.clone());
        prop_assert_eq!(by_row().run(&Loopback).unwrap(), by_row().run(&Serial).unwrap());
        let by_piece = || over(chunks(&rows, size)).chunk(chunk).map(|piece| piece.to_vec());
        prop_assert_eq!(by_piece().run(&Loopback).unwrap(), by_piece().run(&Serial).unwrap());
        let zipped = || over(zip(zip(from..from + 30, &rows), chunks(&rows, 1))).chunk(chunk).map_cx(
            |((i, row), piece), cx| (i, cx.index, row.clone() == piece[0], row.2.len()),
        );
        prop_assert_eq!(zipped().run(&Loopback).unwrap(), zipped().run(&Serial).unwrap());
    }

    #[test]
    fn shared_arguments_of_every_kind_come_out_as_they_do_here(
        bytes in any::<Vec<u8>>(),
        points in prop::collection::vec(any::<[i32; 3]>(), 0..50),
        wide in prop::collection::vec(any::<u128>(), 0..9),
        text in ".{0,60}",
        prices in any::<BTreeMap<String, Option<u8>>>(),
        number in any::<i64>(),
        one in any::<[u64; 4]>(),
        letter in any::<char>(),
    ) {
        let job = || over(0..3)
            .shared((
                (bytes.as_slice(), wide.as_slice()),
                (points.as_slice(), text.as_str()),
                Serialized(&prices),
                (number, &one, letter, true),
            ))
            .map(|i, ((bytes, wide), (points, text), prices, (number, one, letter, yes))| (
                (bytes.get(i).copied(), bytes.len(), wide.to_vec()),
                (points.to_vec(), text.to_owned(), prices.clone()),
                (number, one[i], letter, yes),
            ));
        prop_assert_eq!(job().run(&Loopback).unwrap(), job().run(&Serial).unwrap());
    }
}
