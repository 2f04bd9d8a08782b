//! Every type that both have goes to polars and back, with nulls, slices and chunks; nothing is copied on the way.

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::*;
use partools_frame::Frame;
use partools_polars::{from_polars, to_polars};
use polars_core::prelude::{Column, DataFrame};
use std::sync::Arc;

fn columns() -> Vec<(&'static str, ArrayRef)> {
    vec![
        (
            "i8",
            Arc::new(Int8Array::from(vec![Some(-1), None, Some(3)])),
        ),
        (
            "i16",
            Arc::new(Int16Array::from(vec![Some(-1), None, Some(3)])),
        ),
        (
            "i32",
            Arc::new(Int32Array::from(vec![Some(-1), None, Some(3)])),
        ),
        (
            "i64",
            Arc::new(Int64Array::from(vec![Some(i64::MIN), None, Some(3)])),
        ),
        (
            "u8",
            Arc::new(UInt8Array::from(vec![Some(1), None, Some(255)])),
        ),
        (
            "u16",
            Arc::new(UInt16Array::from(vec![Some(1), None, Some(3)])),
        ),
        (
            "u32",
            Arc::new(UInt32Array::from(vec![Some(1), None, Some(3)])),
        ),
        (
            "u64",
            Arc::new(UInt64Array::from(vec![Some(u64::MAX), None, Some(3)])),
        ),
        (
            "f32",
            Arc::new(Float32Array::from(vec![
                Some(0.5),
                None,
                Some(f32::INFINITY),
            ])),
        ),
        (
            "f64",
            Arc::new(Float64Array::from(vec![Some(0.5), None, Some(-0.0)])),
        ),
        (
            "bool",
            Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])),
        ),
        (
            "text",
            Arc::new(StringViewArray::from(vec![
                Some("a"),
                None,
                Some("longer than twelve bytes"),
            ])),
        ),
        (
            "bytes",
            Arc::new(BinaryViewArray::from(vec![
                Some(&b"a"[..]),
                None,
                Some(b"longer than twelve bytes"),
            ])),
        ),
        (
            "date",
            Arc::new(Date32Array::from(vec![Some(20_000), None, Some(-1)])),
        ),
        (
            "time",
            Arc::new(Time64NanosecondArray::from(vec![
                Some(20_000),
                None,
                Some(1),
            ])),
        ),
        (
            "instant",
            Arc::new(TimestampMicrosecondArray::from(vec![
                Some(20_000),
                None,
                Some(-1),
            ])),
        ),
        (
            "duration",
            Arc::new(DurationMillisecondArray::from(vec![
                Some(20_000),
                None,
                Some(-1),
            ])),
        ),
    ]
}

#[test]
fn every_type_comes_back_as_it_was() {
    let frame = Frame::new(columns()).expect("a frame");
    let there = to_polars(frame.batch()).expect("types that polars has");
    assert_eq!((there.height(), there.width()), (3, columns().len()));
    let back = from_polars(&there).expect("types that frames have");
    for (name, array) in columns() {
        assert_eq!(back.column(name).expect("a column"), &array, "{name}");
    }
}

#[test]
fn texts_become_views_and_categories_stay_categories() {
    let categories = vec!["b", "a", "b"]
        .into_iter()
        .collect::<DictionaryArray<Int32Type>>();
    let columns: [(&str, ArrayRef); 3] = [
        (
            "texts",
            Arc::new(StringArray::from(vec![
                "x",
                "y",
                "a text of more than twelve bytes",
            ])),
        ),
        (
            "large",
            Arc::new(LargeStringArray::from(vec!["x", "y", "z"])),
        ),
        ("categories", Arc::new(categories)),
    ];
    let frame = Frame::new(columns).expect("a frame");
    let back = from_polars(&to_polars(frame.batch()).expect("to polars")).expect("and back");
    let texts = |name: &str| -> Vec<String> {
        let array = arrow_cast_to_text(back.column(name).expect("a column"));
        array.iter().flatten().map(str::to_owned).collect()
    };
    assert_eq!(
        texts("texts"),
        ["x", "y", "a text of more than twelve bytes"]
    );
    assert_eq!(texts("large"), ["x", "y", "z"]);
    let categories = back.column("categories").expect("a column");
    let categories = categories.as_any_dictionary();
    let values = arrow_cast_to_text(categories.values());
    let named: Vec<&str> = categories
        .normalized_keys()
        .into_iter()
        .map(|key| values.value(key))
        .collect();
    assert_eq!(named, ["b", "a", "b"]);
}

fn arrow_cast_to_text(array: &ArrayRef) -> StringViewArray {
    match array.as_string_view_opt() {
        Some(views) => views.clone(),
        None => match array.as_string_opt::<i32>() {
            Some(texts) => StringViewArray::from_iter(texts.iter()),
            None => StringViewArray::from_iter(array.as_string::<i64>().iter()),
        },
    }
}

#[test]
fn slices_and_chunks_are_whole() {
    let frame = Frame::new(columns()).expect("a frame");
    let end = frame.batch().slice(1, 2);
    let there = to_polars(&end).expect("to polars");
    let chunks = there.vstack(&there).expect("one below the other");
    let back = from_polars(&chunks).expect("and back");
    assert_eq!(back.num_rows(), 4);
    for (name, array) in columns() {
        let column = back.column(name).expect("a column");
        for half in [0, 2] {
            assert_eq!(&column.slice(half, 2), &array.slice(1, 2), "{name}");
        }
    }
}

#[test]
fn numbers_are_not_copied() {
    let numbers = Column::new("n".into(), (0..1000).collect::<Vec<i64>>());
    let there = DataFrame::new_infer_height(vec![numbers]).expect("a frame of polars");
    let before = there
        .column("n")
        .and_then(|n| n.i64().and_then(|n| n.cont_slice().map(<[i64]>::as_ptr)));
    let frame = from_polars(&there).expect("a frame");
    drop(there); // what is lent lives on
    let values = frame.values::<i64>("n").expect("numbers");
    assert_eq!(Some(values.as_ptr()), before.ok());
    assert_eq!(values.iter().sum::<i64>(), 499_500);
    let again = to_polars(frame.batch()).expect("to polars");
    let there = again
        .column("n")
        .expect("a column")
        .i64()
        .expect("numbers")
        .cont_slice()
        .expect("one chunk")
        .as_ptr();
    assert_eq!(there, values.as_ptr());
}

#[test]
fn an_empty_frame_keeps_its_columns() {
    let empty = Frame::new(columns()).expect("a frame").batch().slice(0, 0);
    let there = to_polars(&empty).expect("to polars");
    assert_eq!((there.height(), there.width()), (0, columns().len()));
    assert_eq!(from_polars(&there).expect("and back").num_rows(), 0);
}

#[test]
fn what_polars_does_not_have_is_named() {
    let intervals = IntervalYearMonthArray::from(vec![1, 2]);
    let frame = Frame::new([("months", Arc::new(intervals) as ArrayRef)]).expect("a frame");
    let error = to_polars(frame.batch())
        .expect_err("polars has no intervals of months")
        .to_string();
    assert!(
        error.contains("\"months\"") && error.contains("Interval"),
        "{error}"
    );
}
