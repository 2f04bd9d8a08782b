//! Equal to pandas: every case that `pandas/cases.py` ran and stored with pandas' version. What differs on purpose stands
//! in the crate's docs ('Coming from pandas').

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int8Type, Int64Type, TimestampMicrosecondType, UInt64Type};
use arrow_array::*;
use arrow_schema::DataType;
use partools_core::Serial;
use partools_frame::{Frame, FrameError, GroupBy, GroupError, agg};
use partools_threads::Threads;
use std::collections::HashMap;
use std::sync::Arc;

const CASES: &str = include_str!("pandas/cases.txt");

/// A value as both sides have it.
#[derive(Debug, Clone, PartialEq)]
enum Seen {
    Null,
    Number(f64),
    Text(String),
}

impl Seen {
    /// Sums are added up in another order there.
    fn is_like(&self, other: &Seen) -> bool {
        match (self, other) {
            (Seen::Number(a), Seen::Number(b)) => {
                a == b || (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1e-3)
            }
            _ => self == other,
        }
    }
}

struct Column<'t> {
    name: &'t str,
    kind: &'t str,
    values: Vec<&'t str>,
}

fn column(line: &str) -> Column<'_> {
    let mut parts = line.split('\t');
    let (name, kind) = parts
        .next()
        .and_then(|head| head.split_once(':'))
        .expect("name:type");
    Column {
        name,
        kind,
        values: parts.collect(),
    }
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Debug>>(values: &[&str]) -> Vec<Option<T>> {
    values
        .iter()
        .map(|text| (*text != "~").then(|| text.parse().expect("a value")))
        .collect()
}

fn array(column: &Column<'_>) -> ArrayRef {
    let values = &column.values;
    match column.kind {
        "f64" => Arc::new(Float64Array::from(parsed(values))),
        "i64" => Arc::new(Int64Array::from(parsed(values))),
        "bool" => Arc::new(BooleanArray::from(parsed(values))),
        "ts" => Arc::new(TimestampMicrosecondArray::from(parsed::<i64>(values))),
        "str" => Arc::new(StringArray::from(parsed::<String>(values))),
        kind => {
            let categories: Vec<&str> = kind
                .strip_prefix("cat=")
                .expect("a type")
                .split(',')
                .collect();
            let place = |text: &str| {
                categories
                    .iter()
                    .position(|there| *there == text)
                    .map(|at| i8::try_from(at).expect("few"))
            };
            let keys: Int8Array = values.iter().map(|text| place(text)).collect();
            Arc::new(DictionaryArray::<Int8Type>::new(
                keys,
                Arc::new(StringArray::from(categories)),
            ))
        }
    }
}

fn seen(array: &ArrayRef) -> Vec<Seen> {
    let at = |row: usize| match array.data_type() {
        _ if array.is_null(row) => Seen::Null,
        DataType::Float64 => Seen::Number(array.as_primitive::<Float64Type>().value(row)),
        DataType::Int64 => Seen::Number(array.as_primitive::<Int64Type>().value(row) as f64),
        DataType::UInt64 => Seen::Number(array.as_primitive::<UInt64Type>().value(row) as f64),
        DataType::Timestamp(_, _) => {
            Seen::Number(array.as_primitive::<TimestampMicrosecondType>().value(row) as f64)
        }
        DataType::Boolean => Seen::Text(array.as_boolean().value(row).to_string()),
        DataType::Utf8 => Seen::Text(array.as_string::<i32>().value(row).to_owned()),
        DataType::Dictionary(_, _) => {
            let dictionary = array.as_dictionary::<Int8Type>();
            let key = dictionary.key(row).expect("not null");
            Seen::Text(dictionary.values().as_string::<i32>().value(key).to_owned())
        }
        other => panic!("no case has {other}"),
    };
    (0..array.len()).map(at).collect()
}

fn least(values: &[f64]) -> Option<f64> {
    values.iter().copied().reduce(f64::min)
}

fn rows(name: &str, values: Vec<i64>) -> Result<RecordBatch, GroupError> {
    Ok(RecordBatch::try_from_iter([(
        name,
        Arc::new(Int64Array::from(values)) as ArrayRef,
    )])?)
}

/// The result of a case, computed here.
fn run(by: GroupBy, op: &str, on: &impl AnyOf) -> Result<Frame, FrameError> {
    on.run(by, op)
}

/// The executors that cases run on: a trait, since each closure is a task of its own.
trait AnyOf {
    fn run(&self, by: GroupBy, op: &str) -> Result<Frame, FrameError>;
}

macro_rules! ops {
    ($executor:ty) => {
        impl AnyOf for $executor {
            fn run(&self, by: GroupBy, op: &str) -> Result<Frame, FrameError> {
                match op {
                    "sum" => by
                        .apply(|group| Ok(group.valid::<f64>("v")?.iter().sum::<f64>() + 0.0))
                        .run(self),
                    "len" => by.apply(|group| group.len()).run(self),
                    "pair" => by
                        .apply(|group| {
                            let v = group.valid::<f64>("v")?;
                            Ok((least(v), v.iter().copied().reduce(f64::max)))
                        })
                        .named(["lo", "hi"])
                        .run(self),
                    "head" => by
                        .apply(|group| {
                            rows(
                                "w",
                                group.column::<i64>("w")?.iter().copied().take(2).collect(),
                            )
                        })
                        .run(self),
                    "skip" => by
                        .apply(|group| match group.len() {
                            0..4 => Ok(None),
                            _ => rows("w", vec![group.column::<i64>("w")?[0]]).map(Some),
                        })
                        .run(self),
                    "order" => by
                        .group_keys(false)
                        .keep_order()
                        .apply(|group| {
                            let w = group.column::<i64>("w")?;
                            let least = w.iter().min().copied().unwrap_or(0);
                            Ok(w.iter().map(|w| w - least).collect::<Vec<_>>())
                        })
                        .named(["w"])
                        .run(self),
                    "transform" => by
                        .transform(|group| {
                            let v = group.valid::<f64>("v")?;
                            Ok((!v.is_empty()).then(|| v.iter().sum::<f64>() / v.len() as f64))
                        })
                        .named(["v"])
                        .run(self),
                    "spread" => by
                        .transform(|group| {
                            let w = group.column::<i64>("w")?;
                            Ok(w.iter().map(|w_| w_ - w[0]).collect::<Vec<i64>>())
                        })
                        .named(["w"])
                        .run(self),
                    "filter" => by.filter(|group| group.len() % 2 == 0).run(self),
                    "agg" => by
                        .agg([
                            agg::count("v").named("count"),
                            agg::sum("v").named("sum"),
                            agg::mean("v").named("mean"),
                            agg::var("v").named("var"),
                            agg::std("v").named("std"),
                            agg::min("v").named("min"),
                            agg::max("v").named("max"),
                            agg::median("v").named("median"),
                            agg::quantile("v", 0.3).named("q"),
                            agg::first("v").named("first"),
                            agg::last("v").named("last"),
                            agg::n_unique("v").named("n"),
                            agg::sum("w").named("isum"),
                            agg::max("w").named("imax"),
                            agg::any("w").named("any"),
                            agg::all("w").named("all"),
                        ])
                        .run(self),
                    other => panic!("no operation {other}"),
                }
            }
        }
    };
}
ops!(Serial);
ops!(Threads);

/// The lines of a block behind its head.
fn blocks() -> impl Iterator<Item = (&'static str, Vec<Column<'static>>)> {
    let mut lines = CASES.lines().skip(1).peekable();
    std::iter::from_fn(move || {
        let head = lines.next()?;
        let mut columns = Vec::new();
        while let Some(line) =
            lines.next_if(|line| !line.starts_with("case ") && !line.starts_with("frame "))
        {
            columns.push(column(line));
        }
        Some((head, columns))
    })
}

/// What is wrong with our result, if anything.
fn differs(ours: &Frame, theirs: &[Column<'_>]) -> Option<String> {
    let names: Vec<&str> = theirs.iter().map(|column| column.name).collect();
    if ours.names().ne(names.iter().copied()) {
        return Some(format!(
            "columns {:?}, pandas has {names:?}",
            ours.names().collect::<Vec<_>>()
        ));
    }
    for (column, array_) in theirs.iter().zip(ours.batch().columns()) {
        let (ours, theirs) = (seen(array_), seen(&array(column)));
        let alike =
            ours.len() == theirs.len() && ours.iter().zip(&theirs).all(|(a, b)| a.is_like(b));
        if !alike {
            return Some(format!("{}: {ours:?}\n  pandas: {theirs:?}", column.name));
        }
    }
    None
}

fn compare<E: AnyOf>(executor: &E) {
    assert!(CASES.starts_with("pandas 3."), "the version is in the file");
    let mut frames: HashMap<&str, Frame> = HashMap::new();
    let mut count = 0;
    let mut wrong = Vec::new();
    for (head, columns) in blocks() {
        if let Some(name) = head.strip_prefix("frame ") {
            let columns = columns.iter().map(|column| (column.name, array(column)));
            frames.insert(name, Frame::new(columns).expect("a frame"));
            continue;
        }
        count += 1;
        let words: Vec<&str> = head.split(' ').collect();
        let [_, frame, by, sort, dropna, observed, op] = words[..] else {
            panic!("{head}")
        };
        let by = frames[frame].group_by(by.split('+'));
        let by = by
            .sort(sort == "sort=1")
            .dropna(dropna == "dropna=1")
            .observed(observed == "observed=1");
        match run(by, op, executor) {
            Ok(ours) => {
                wrong.extend(differs(&ours, &columns).map(|why| format!("{head}\n  {why}")))
            }
            Err(error) => wrong.push(format!("{head}\n  {error}")),
        }
    }
    assert!(count >= 60, "{count} cases");
    assert!(
        wrong.is_empty(),
        "{} of {count} cases differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_case_gives_what_pandas_gives() {
    compare(&Serial);
}

#[test]
fn every_case_gives_it_on_threads() {
    compare(&Threads::new().workers(2));
}
