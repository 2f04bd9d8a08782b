//! Apply, transform, filter and agg against a naive loop over rows, on random frames of every kind of key.

use arrow_array::builder::StringDictionaryBuilder;
use arrow_array::types::{Int8Type, Int32Type};
use arrow_array::*;
use partools_core::{Chunks, Loopback, Serial};
use partools_frame::{Frame, agg};
use partools_threads::Threads;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Keys are drawn as small numbers, and then are of some type; `None` is null.
type Drawn = Vec<Option<u8>>;

/// How many types of key there are.
const TYPES: usize = 17;

/// A column of the type numbered `of`, in which the order of keys is the order of what was drawn.
fn key(of: usize, drawn: &Drawn) -> ArrayRef {
    fn texts(drawn: &Drawn, long: bool) -> Vec<Option<String>> {
        let text = |k: u8| {
            if long {
                format!("a long common beginning {k:03}")
            } else {
                format!("{k:03}")
            }
        };
        drawn.iter().map(|k| k.map(text)).collect()
    }
    macro_rules! of {
        ($array:ty, $map:expr) => {
            Arc::new(drawn.iter().map(|k| k.map($map)).collect::<$array>())
        };
    }
    match of {
        0 => of!(Int8Array, |k| k as i8 - 100),
        1 => of!(UInt8Array, |k| k),
        2 => of!(Int32Array, |k| i32::from(k) - 2),
        3 => of!(Int64Array, |k| match k {
            0 => i64::MIN,
            9 => i64::MAX,
            k => i64::from(k) - 5,
        }),
        4 => of!(UInt64Array, |k| match k {
            9 => u64::MAX,
            k => u64::from(k) << 40,
        }),
        5 => of!(Float64Array, |k| f64::from(k) / 3.0 - 1.0),
        6 => of!(Float32Array, |k| match k {
            0 => f32::NEG_INFINITY,
            k => f32::from(k),
        }),
        7 => of!(BooleanArray, |k| k > 4),
        8 => Arc::new(StringArray::from(texts(drawn, false))),
        9 => Arc::new(StringArray::from(texts(drawn, true))),
        10 => Arc::new(LargeStringArray::from(texts(drawn, true))),
        11 => Arc::new(texts(drawn, false).into_iter().collect::<StringViewArray>()),
        12 => {
            let texts = texts(drawn, true);
            Arc::new(
                texts
                    .iter()
                    .map(|t| t.as_deref().map(str::as_bytes))
                    .collect::<BinaryArray>(),
            )
        }
        13 => of!(Date32Array, |k| i32::from(k) - 3),
        14 => of!(TimestampMicrosecondArray, |k| i64::from(k) * 1_000_003 - 4),
        15 => {
            // All categories are there, in order, whatever occurs.
            let mut builder = StringDictionaryBuilder::<Int8Type>::new();
            (0..10).for_each(|k| builder.append_value(format!("{k}")));
            drawn
                .iter()
                .for_each(|k| builder.append_option(k.map(|k| format!("{k}"))));
            Arc::new(builder.finish().slice(10, drawn.len()))
        }
        _ => of!(Decimal128Array, |k| i128::from(k) << 90),
    }
}

/// The keys of a row: of each whether it is null, and which it is.
type Key = Vec<(bool, u8)>;

/// What the naive loop knows a key by: booleans have two.
fn named(of: usize, k: Option<u8>) -> (bool, u8) {
    match k {
        None => (true, 0),
        Some(k) if of == 7 => (false, u8::from(k > 4)),
        Some(k) => (false, k),
    }
}

#[derive(Debug, Clone)]
struct Case {
    keys: Vec<(usize, Drawn)>,
    values: Vec<Option<i16>>,
    sort: bool,
    dropna: bool,
}

prop_compose! {
    fn case()(rows in 0_usize..60, columns in 1_usize..4)(
        keys in prop::collection::vec(
            (0..TYPES, prop::collection::vec(prop::option::weighted(0.85, 0_u8..10), rows)),
            columns,
        ),
        values in prop::collection::vec(prop::option::weighted(0.9, any::<i16>()), rows),
        sort in any::<bool>(),
        dropna in any::<bool>(),
    ) -> Case {
        Case { keys, values, sort, dropna }
    }
}

impl Case {
    fn frame(&self) -> Frame {
        let keys = self
            .keys
            .iter()
            .enumerate()
            .map(|(at, (of, drawn))| (format!("k{at}"), key(*of, drawn)));
        let values: Float64Array = self.values.iter().map(|v| v.map(f64::from)).collect();
        Frame::new(keys.chain([("v".to_owned(), Arc::new(values) as ArrayRef)])).expect("a frame")
    }

    fn by(&self, frame: &Frame) -> partools_frame::GroupBy {
        let names = (0..self.keys.len()).map(|at| format!("k{at}"));
        frame
            .group_by(names)
            .sort(self.sort)
            .dropna(self.dropna)
            .chunk(Chunks::of(3))
    }

    /// The rows of each group, as a loop finds them.
    fn groups(&self) -> Vec<Vec<usize>> {
        let mut groups: Vec<(Key, Vec<usize>)> = Vec::new();
        for row in 0..self.values.len() {
            let key: Key = self
                .keys
                .iter()
                .map(|(of, drawn)| named(*of, drawn[row]))
                .collect();
            if self.dropna && key.iter().any(|(null, _)| *null) {
                continue;
            }
            match groups.iter_mut().find(|(there, _)| *there == key) {
                Some((_, rows)) => rows.push(row),
                None => groups.push((key, vec![row])),
            }
        }
        if self.sort {
            groups.sort();
        }
        groups.into_iter().map(|(_, rows)| rows).collect()
    }

    fn sum(&self, rows: &[usize]) -> f64 {
        rows.iter()
            .filter_map(|&row| self.values[row])
            .map(f64::from)
            .sum()
    }
}

/// A sum, the rows by number, and how many: what shows if a row is in the wrong place.
fn seen(
    group: &partools_frame::Group<'_>,
) -> Result<(f64, String, usize), partools_frame::GroupError> {
    let rows: Vec<usize> = group.rows().collect();
    Ok((
        group.valid::<f64>("v")?.iter().sum::<f64>(),
        format!("{rows:?}"),
        group.len(),
    ))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn apply_is_the_loop(case in case()) {
        let frame = case.frame();
        let groups = case.groups();
        let job = case.by(&frame).apply(seen);
        let result = job.run(&Serial).expect("applied");
        let sums: Vec<f64> = groups.iter().map(|rows| case.sum(rows)).collect();
        prop_assert_eq!(result.values::<f64>("value_0").expect("sums"), sums);
        let rows: StringArray = groups.iter().map(|rows| Some(format!("{rows:?}"))).collect();
        prop_assert_eq!(result.column("value_1").expect("rows").as_ref(), &rows as &dyn Array);
        // The key of a group is the key of its first row.
        let firsts: UInt32Array = groups.iter().map(|rows| Some(u32::try_from(rows[0]).expect("small"))).collect();
        for at in 0..case.keys.len() {
            let name = format!("k{at}");
            let expected = arrow_select::take::take(frame.column(&name).expect("a key"), &firsts, None).expect("taken");
            prop_assert_eq!(result.column(&name).expect("a key"), &expected);
        }
        // And nothing of it depends on where it runs.
        prop_assert_eq!(&job.run(&Threads::new().workers(3)).expect("on threads"), &result);
        prop_assert_eq!(&job.run(&Loopback).expect("on loopback"), &result);
    }

    #[test]
    fn transform_and_filter_are_the_loop(case in case()) {
        let frame = case.frame();
        let mut expected: Vec<Option<f64>> = vec![None; case.values.len()];
        let mut kept: Vec<u32> = Vec::new();
        for rows in case.groups() {
            for (at, &row) in rows.iter().enumerate() {
                expected[row] = Some(case.sum(&rows) + at as f64);
                if rows.len() % 2 == 1 {
                    kept.push(u32::try_from(row).expect("small"));
                }
            }
        }
        kept.sort_unstable();
        let spread = case.by(&frame).transform(|group| {
            let sum: f64 = group.valid::<f64>("v")?.iter().sum();
            Ok((0..group.len()).map(|at| sum + at as f64).collect::<Vec<f64>>())
        });
        let result = spread.run(&Serial).expect("transformed");
        if !case.groups().is_empty() {
            prop_assert_eq!(result.column("value").expect("values").as_ref(), &Float64Array::from(expected) as &dyn Array);
        }
        prop_assert_eq!(&spread.run(&Threads::new().workers(2)).expect("on threads"), &result);
        // One value for the whole group is the value of each of its rows.
        let mut repeated: Vec<Option<f64>> = vec![None; case.values.len()];
        for rows in case.groups() {
            rows.iter().for_each(|&row| repeated[row] = Some(case.sum(&rows)));
        }
        let job = case.by(&frame).transform(|group| Ok(group.valid::<f64>("v")?.iter().sum::<f64>()));
        let result = job.run(&Loopback).expect("transformed");
        prop_assert_eq!(result.column("value").expect("values").as_ref(), &Float64Array::from(repeated) as &dyn Array);
        let odd = case.by(&frame).filter(|group| group.len() % 2 == 1);
        let rows = arrow_select::take::take_record_batch(frame.batch(), &UInt32Array::from(kept)).expect("taken");
        prop_assert_eq!(odd.run(&Serial).expect("filtered").into_batch(), rows);
    }

    #[test]
    fn aggregates_are_the_loop(case in case()) {
        let frame = case.frame();
        let aggregates = [
            agg::count("v"), agg::sum("v"), agg::mean("v"), agg::min("v"), agg::max("v"), agg::median("v"),
            agg::first("v"), agg::last("v"), agg::n_unique("v"), agg::var("v"),
        ];
        let job = case.by(&frame).agg(aggregates);
        let result = job.run(&Serial).expect("aggregated");
        prop_assert_eq!(&job.run(&Loopback).expect("on loopback"), &result);
        let of = |name: &str| -> Vec<Option<f64>> {
            let column = result.column(name).expect("a column");
            column.as_any().downcast_ref::<Float64Array>().expect("floats").iter().collect()
        };
        for (at, rows) in case.groups().iter().enumerate() {
            let values: Vec<f64> = rows.iter().filter_map(|&row| case.values[row]).map(f64::from).collect();
            let count = values.len() as f64;
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            let mut distinct = sorted.clone();
            distinct.dedup();
            let mean = (!values.is_empty()).then(|| values.iter().sum::<f64>() / count);
            prop_assert_eq!(result.values::<u64>("v_count").expect("counts")[at], values.len() as u64);
            prop_assert_eq!(of("v_sum")[at], Some(values.iter().sum::<f64>()));
            prop_assert_eq!(of("v_mean")[at], mean);
            prop_assert_eq!(of("v_min")[at], sorted.first().copied());
            prop_assert_eq!(of("v_max")[at], sorted.last().copied());
            prop_assert_eq!(of("v_first")[at], values.first().copied());
            prop_assert_eq!(of("v_last")[at], values.last().copied());
            prop_assert_eq!(result.values::<u64>("v_n_unique").expect("counts")[at], distinct.len() as u64);
            let median = mean.map(|_| (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2.0);
            prop_assert_eq!(of("v_median")[at], median);
            let var = mean.filter(|_| values.len() > 1).map(|mean| {
                values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (count - 1.0)
            });
            prop_assert_eq!(of("v_var")[at], var);
        }
    }

    #[test]
    fn presorted_rows_give_what_grouping_gives(case in case()) {
        let frame = case.frame();
        let groups = case.groups();
        let order: UInt32Array = groups.iter().flatten().map(|&row| Some(u32::try_from(row).expect("small"))).collect();
        let sorted = Frame::try_from(arrow_select::take::take_record_batch(frame.batch(), &order).expect("taken"));
        let sorted = sorted.expect("a frame");
        let as_they_come = case.by(&sorted).presorted().apply(seen).run(&Serial).expect("runs");
        prop_assert_eq!(as_they_come, case.by(&sorted).apply(seen).run(&Serial).expect("groups"));
    }
}

#[test]
fn a_dictionary_key_is_int32_too() {
    let keys: DictionaryArray<Int32Type> = vec!["b", "a", "b"].into_iter().collect();
    let frame = Frame::new([("k", Arc::new(keys) as ArrayRef)]).expect("a frame");
    let counts = frame
        .group_by(["k"])
        .apply(|group| group.len())
        .run(&Serial)
        .expect("counted");
    let by_key: BTreeMap<u64, usize> = counts
        .values::<u64>("value")
        .expect("counts")
        .iter()
        .zip(0..)
        .map(|(&n, at)| (n, at))
        .collect();
    assert_eq!(
        by_key,
        BTreeMap::from([(2, 0), (1, 1)]),
        "in the order of the dictionary"
    );
}
