//! Grouping large frames: parts of the rows are grouped each by itself, by several threads, and then the groups of all parts
//! are grouped by their keys.
//!
//! ```text
//! rows     0 ..                 | n/2 ..
//! parts    a: 0 3 4   b: 1 2    | b: 5 8   c: 6   a: 7       what is large: a thread each
//! groups   a: a of the 1st, a of the 2nd   b: ..   c: ..     what is small: by the same function, on their keys
//! rows     a: 0 3 4 7   b: 1 2 5 8   c: 6
//! ```
//! Rows ascend within a group since they do within a part, and parts are in order. Parts are small enough for what is made of
//! them on the way to stay in the processor's caches: so it pays on one thread, too.

use super::grouping::{GroupOptions, Grouping, RowsOf, group, key_columns};
use super::levels;
use super::room::room;
use crate::error::FrameError;
use crate::frame::Frame;
use arrow_array::RecordBatch;
use partools_core::{Chunks, Serial, over};
use partools_threads::Threads;

/// Fewer rows are not worth it.
const MANY: usize = 1 << 17;
/// The rows of the smallest parts.
const PART: usize = 1 << 18;
/// So many rows tell how many groups there may be.
const PROBE: usize = 1 << 14;
/// Grouping the groups of all parts costs little where there are so many times as many rows.
const LITTLE: usize = 64;
/// Where there are only so many times as many rows, two threads gain nothing over one that has no parts.
const WORTH: usize = 8;

/// As [`group`], with up to `workers` threads.
pub(crate) fn group_on(
    workers: usize,
    frame: &Frame,
    names: &[String],
    options: GroupOptions,
) -> Result<Grouping<'static>, FrameError> {
    let columns = key_columns(frame, names)?;
    let by_level = !options.observed
        && columns
            .iter()
            .any(|(_, array)| levels::has_categories(array));
    let rows = frame.num_rows();
    if rows < MANY || options.presorted || by_level {
        return group(frame, names, options);
    }
    let keys = Frame::new(
        columns
            .into_iter()
            .map(|(name, array)| (name, array.clone())),
    )?;
    match number_of_parts(&keys, names, options, workers)? {
        0 | 1 => group(frame, names, options),
        count => in_parts(count, workers, &keys, names, options),
    }
}

fn in_parts(
    count: usize,
    workers: usize,
    keys: &Frame,
    names: &[String],
    options: GroupOptions,
) -> Result<Grouping<'static>, FrameError> {
    let rows = keys.num_rows();
    let edge = |part: usize| rows / count * part + (rows % count) * part / count;
    let local = GroupOptions {
        sort: false,
        ..options
    };
    let parts = over(0..count).chunk(Chunks::of(1)).map(|part| {
        let (start, end) = (edge(part), edge(part + 1));
        group(&keys.slice(start, end - start), names, local)
    });
    let parts = match workers {
        0 | 1 => parts.run(&Serial),
        _ => parts.run(&Threads::new().workers(workers.min(count))),
    };
    let parts: Vec<Grouping<'static>> = parts?.into_iter().collect::<Result<_, _>>()?;
    let all: Vec<&RecordBatch> = parts.iter().map(|part| part.keys.batch()).collect();
    let all = arrow_select::concat::concat_batches(all[0].schema_ref(), all.iter().copied());
    let all =
        all.map_err(|e| FrameError::arrow("the keys of all parts could not be put together", e))?;
    // What is missing was left out of the parts already, if it was to be.
    let kept = GroupOptions {
        dropna: false,
        ..options
    };
    let groups = group(&all.try_into()?, names, kept)?;
    Ok(put_together(&parts, groups, edge))
}

/// How many parts to make; none, where there are so many groups that grouping them again would cost as much.
fn number_of_parts(
    keys: &Frame,
    names: &[String],
    options: GroupOptions,
    workers: usize,
) -> Result<usize, FrameError> {
    let rows = keys.num_rows();
    let probe = group(&keys.slice(rows / 2, PROBE), names, options)?;
    let (found, again) = (probe.count(), probe.size_of_all() - probe.count());
    let groups = match found <= again {
        // Most of them were seen.
        true => found + found / 4,
        // Of a few rows of many groups as many are in a group with another one as pairs are equal: n^2 / 2 / groups.
        false => PROBE * PROBE / 2 / again.max(1),
    };
    let most = rows / PART;
    let cheap = rows / (LITTLE * groups).max(1);
    let fair = match workers.saturating_mul(groups).saturating_mul(WORTH) <= rows {
        true => workers,
        false => 0,
    };
    // Each thread has as many as any other.
    let count = cheap.min(most).max(fair);
    Ok(count / workers.max(1) * workers.max(1))
}

/// `groups` are groups of the groups of all `parts`, of which the rows of each begin at `edge(part)`.
fn put_together(
    parts: &[Grouping<'static>],
    groups: Grouping<'static>,
    edge: impl Fn(usize) -> usize,
) -> Grouping<'static> {
    // For every group of a part: its rows, counted from where the part begins.
    let locals: Vec<(usize, RowsOf<'_>)> = parts
        .iter()
        .enumerate()
        .flat_map(|(part, of_part)| {
            let start = edge(part);
            (0..of_part.count()).map(move |group| (start, of_part.rows(group)))
        })
        .collect();
    let all = parts.iter().map(Grouping::size_of_all).sum();
    let mut rows: Vec<u32> = room(all);
    let mut offsets = Vec::with_capacity(groups.count() + 1);
    offsets.push(0);
    for group in 0..groups.count() {
        let mut add = |local: usize| {
            let (start, of_local) = locals[local];
            match of_local {
                RowsOf::List(list) => {
                    rows.extend(list.iter().map(|&row| row + super::small(start)))
                }
                RowsOf::Range(first, len) => {
                    let first = start + first;
                    rows.extend(super::small(first)..super::small(first + len));
                }
            }
        };
        match groups.rows(group) {
            RowsOf::List(list) => list.iter().for_each(|&local| add(local as usize)),
            RowsOf::Range(first, len) => (first..first + len).for_each(&mut add),
        }
        offsets.push(super::small(rows.len()));
    }
    let in_order =
        rows.len() == edge(parts.len()) && rows.iter().zip(0..).all(|(&row, at)| row == at);
    Grouping {
        rows: (!in_order).then(|| rows.into()),
        offsets: offsets.into(),
        keys: groups.keys,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::cast::AsArray;
    use arrow_array::types::{Int32Type, UInt64Type};
    use arrow_array::*;
    use std::sync::Arc;

    /// Keys of several types, with nulls, equal zeros, and categories of which not all occur.
    fn frame(rows: usize, kinds: usize) -> Frame {
        let kind = |row: usize| (row * 7919 + row / 3) % kinds;
        let number = |row: usize| (kind(row) % 5 != 4).then_some(kind(row) as i64 * 1000);
        let float = |row: usize| match kind(row) % 4 {
            0 => -0.0,
            1 => 0.0,
            2 => f64::NAN,
            _ => kind(row) as f64,
        };
        let texts = (0..rows).map(|row| format!("a text for {}", kind(row)));
        let categories = ["c", "a", "b", "c"];
        let category = (0..rows).map(|row| categories.get(kind(row) % 5).copied());
        let columns: [(&str, ArrayRef); 5] = [
            ("n", Arc::new((0..rows).map(number).collect::<Int64Array>())),
            (
                "f",
                Arc::new(Float64Array::from_iter_values((0..rows).map(float))),
            ),
            ("t", Arc::new(StringArray::from_iter_values(texts))),
            (
                "c",
                Arc::new(category.collect::<DictionaryArray<Int32Type>>()),
            ),
            (
                "row",
                Arc::new(UInt32Array::from_iter_values(0..super::super::small(rows))),
            ),
        ];
        Frame::new(columns).expect("columns of one length")
    }

    #[test]
    fn parts_make_the_groups_that_the_whole_makes() {
        let names: [&[&str]; 7] = [
            &["n"],
            &["f"],
            &["t"],
            &["c"],
            &["n", "t"],
            &["c", "f"],
            &["row"],
        ];
        let mut tried = 0;
        for (rows, kinds) in [(1, 1), (2, 1), (97, 3), (97, 40), (1000, 7), (1000, 900)] {
            let frame = frame(rows, kinds);
            for names in names {
                let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
                for bits in 0..4 {
                    let options = GroupOptions {
                        sort: bits & 1 == 0,
                        dropna: bits & 2 == 0,
                        observed: true,
                        presorted: false,
                    };
                    let whole = group(&frame, &names, options).expect("groups");
                    for count in [2, 3, 10] {
                        for workers in [1, 2] {
                            let parts =
                                in_parts(count, workers, &frame, &names, options).expect("groups");
                            let case =
                                format!("{names:?}, {rows} rows, {count} parts, {options:?}");
                            assert_eq!(parts.offsets, whole.offsets, "{case}");
                            for group in 0..whole.count() {
                                let rows = |of: &Grouping<'_>| of.rows(group).to_vec();
                                assert_eq!(rows(&parts), rows(&whole), "{case}");
                                let key = |of: &Grouping<'_>| of.key(group).to_string();
                                assert_eq!(key(&parts), key(&whole), "{case}");
                            }
                            assert_eq!(parts.rows.is_none(), whole.rows.is_none(), "{case}");
                            tried += 1;
                        }
                    }
                }
            }
        }
        assert_eq!(tried, 6 * 7 * 4 * 3 * 2);
    }

    #[test]
    fn rows_that_almost_all_differ_are_grouped_as_any_others() {
        let rows = (1 << 18) + 9;
        let mixed = |row: u64| row.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
        let some = |row: u64| row % 1000 != 7;
        // Few and many groups; what lies at nulls is beyond all that is a value.
        for (spread, dropna) in [(1000, true), (225_000, true), (225_000, false)] {
            let value = |row: u64| match some(row) {
                true => mixed(row) % spread,
                false => u64::MAX - row,
            };
            let values: Vec<u64> = (0..rows).map(value).collect();
            let column = UInt64Array::new(values.into(), Some((0..rows).map(some).collect()));
            let frame = Frame::new([("k", Arc::new(column) as ArrayRef)]).expect("a column");
            let by = |sort| {
                let options = GroupOptions {
                    sort,
                    dropna,
                    observed: true,
                    presorted: false,
                };
                group(&frame, &["k".to_owned()], options).expect("groups")
            };
            let (sorted, numbered) = (by(true), by(false));
            let keys = |of: &Grouping<'_>| {
                let keys = of.keys.batch().column(0).as_primitive::<UInt64Type>();
                keys.iter().collect::<Vec<_>>()
            };
            let null_last = |key: &Option<u64>| (key.is_none(), *key);
            assert!(keys(&sorted).is_sorted_by_key(null_last));
            let by_first = |of: &Grouping<'_>| {
                let rows = (0..of.count()).map(|group| of.rows(group).to_vec());
                let mut groups: Vec<_> = rows.zip(keys(of)).collect();
                groups.sort();
                groups
            };
            assert!(
                by_first(&sorted) == by_first(&numbered),
                "{spread} {dropna}"
            );
        }
    }

    #[test]
    fn large_frames_are_grouped_in_parts_where_it_pays() {
        let parts = |kinds: u64, workers: usize| {
            // In no order that would make consecutive rows differ more than chance does.
            let kind = |row: u64| {
                let mixed = (row ^ (row >> 7)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                (mixed ^ (mixed >> 31)) % kinds
            };
            let kinds = UInt64Array::from_iter_values((0..1 << 20).map(kind));
            let keys = Frame::new([("k", Arc::new(kinds) as ArrayRef)]);
            let options = GroupOptions {
                sort: true,
                dropna: true,
                observed: true,
                presorted: false,
            };
            let names = ["k".to_owned()];
            number_of_parts(&keys.expect("a column"), &names, options, workers).expect("a number")
        };
        assert_eq!((parts(100, 1), parts(100, 2)), (4, 4));
        assert_eq!((parts(30_000, 1), parts(30_000, 2)), (1, 2));
        assert_eq!((parts(1_000_003, 1), parts(1_000_003, 2)), (0, 0));
    }
}
