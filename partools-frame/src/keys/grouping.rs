//! The outcome of grouping: the rows of each group, one group behind the other, and a frame of the keys.
//!
//! ```text
//! rows     [4 7 9 | 0 2 | 1 3 5 6 8]     a permutation by counting sort; ascending within a group
//! offsets  [0       3     5          10]
//! keys     (EWR, ANC), (EWR, BOS), (JFK, BOS)
//! ```
//! The caller's rows stay where they are. A group is a slice of `rows`, and is never split.

use super::codes::{Codes, Nan, Order, codes};
use super::dense::{Dense, NONE, small};
use super::levels;
use super::order::ascending;
use super::pack::{Missing, Packed, pack};
use super::room::filled;
use crate::error::FrameError;
use crate::frame::Frame;
use crate::key::Key;
use arrow_array::{ArrayRef, UInt32Array};
use std::borrow::Cow;

/// A group with one of so many rows, begun last, would keep other workers waiting for a time that is seen.
const LARGE: usize = 64;
/// The order of groups that have less than one of so many rows is not seen.
const SMALL: usize = 1024;

/// How rows are grouped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GroupOptions {
    /// In key order, rather than in the order of first appearance.
    pub(crate) sort: bool,
    /// Rows where a key is missing are in no group.
    pub(crate) dropna: bool,
    /// Only categories that occur are groups.
    pub(crate) observed: bool,
    /// Equal keys stand together already.
    pub(crate) presorted: bool,
}

/// Groups of rows.
#[derive(Debug)]
pub(crate) struct Grouping<'g> {
    /// The rows of all groups, where they are not simply `0..n`.
    pub(crate) rows: Option<Cow<'g, [u32]>>,
    /// Where each group begins in `rows`, and where the last one ends.
    pub(crate) offsets: Cow<'g, [u32]>,
    /// A row of keys for each group.
    pub(crate) keys: Frame,
}

/// The rows of one group: those of a list, or all of a range.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RowsOf<'g> {
    List(&'g [u32]),
    Range(usize, usize),
}

impl Grouping<'_> {
    pub(crate) fn count(&self) -> usize {
        self.offsets.len() - 1
    }

    pub(crate) fn size(&self, group: usize) -> usize {
        (self.offsets[group + 1] - self.offsets[group]) as usize
    }

    /// The rows of all groups.
    pub(super) fn size_of_all(&self) -> usize {
        self.offsets[self.count()] as usize
    }

    pub(crate) fn rows(&self, group: usize) -> RowsOf<'_> {
        let (start, end) = (
            self.offsets[group] as usize,
            self.offsets[group + 1] as usize,
        );
        match self.rows.as_ref().map(|rows| &rows[start..end]) {
            None => RowsOf::Range(start, end - start),
            Some(&[only]) => RowsOf::Range(only as usize, 1),
            Some(list @ [first, .., last]) if (last - first) as usize == list.len() - 1 => {
                RowsOf::Range(*first as usize, list.len())
            }
            Some(list) => RowsOf::List(list),
        }
    }

    pub(crate) fn key(&self, group: usize) -> Key<'_> {
        Key::new(&self.keys, group)
    }

    /// What each group costs, where some are so large that the order in which they are begun matters: its rows. Those that
    /// are too small to matter cost all the same, so that they stay in order, next to one another.
    pub(crate) fn costs(&self) -> Option<Vec<usize>> {
        let all = self.size_of_all();
        let sizes = (0..self.count()).map(|group| self.size(group));
        let largest = sizes.clone().max()?;
        if self.count() < 2 || largest * LARGE < all {
            return None;
        }
        Some(
            sizes
                .map(|size| if size * SMALL < all { 0 } else { size })
                .collect(),
        )
    }

    /// For each row the number of its group, [`None`] where it has none; in the order of rows.
    pub(crate) fn group_of_rows(&self, rows: usize) -> Vec<Option<u32>> {
        let mut of = vec![None; rows];
        for group in 0..self.count() {
            let number = Some(small(group));
            match self.rows(group) {
                RowsOf::Range(start, len) => of[start..start + len].fill(number),
                RowsOf::List(list) => list.iter().for_each(|&row| of[row as usize] = number),
            }
        }
        of
    }
}

impl RowsOf<'_> {
    pub(crate) fn len(&self) -> usize {
        match self {
            RowsOf::List(list) => list.len(),
            RowsOf::Range(_, len) => *len,
        }
    }

    pub(crate) fn to_vec(self) -> Vec<u32> {
        match self {
            RowsOf::List(list) => list.to_vec(),
            RowsOf::Range(start, len) => (small(start)..small(start + len)).collect(),
        }
    }
}

/// Groups the rows of `frame` by the columns `names`.
pub(crate) fn group(
    frame: &Frame,
    names: &[String],
    options: GroupOptions,
) -> Result<Grouping<'static>, FrameError> {
    let columns = key_columns(frame, names)?;
    if frame.num_rows() >= NONE as usize {
        let what = format!("the frame has {} rows", frame.num_rows());
        return Err(FrameError::too_many(what, u64::from(NONE) - 1));
    }
    let (nan, missing) = match options.dropna {
        true => (Nan::Missing, Missing::Dropped),
        false => (Nan::Key, Missing::Key),
    };
    // Only the distinct codes are ever sorted, so that keys need an order only where groups are to have one.
    let order = if options.sort {
        Order::Kept
    } else {
        Order::Any
    };
    let codes: Vec<Codes> = columns
        .iter()
        .map(|(name, array)| codes(name, array, nan, order))
        .collect::<Result<_, _>>()?;
    if !options.observed
        && columns
            .iter()
            .any(|(_, array)| levels::has_categories(array))
    {
        if options.presorted {
            let why = "`presorted` takes groups as they come, so that it cannot add those of categories that do not occur; leave `observed(false)` or `presorted` out";
            return Err(FrameError::options(why));
        }
        return levels::group_all(&columns, codes, missing, options.sort);
    }
    let packed = pack(codes, missing);
    let keys = KeyFrame(&columns);
    match options.presorted {
        true => runs(&packed, &keys),
        false if options.sort && packed.are_almost_distinct() => sorted(packed, &keys),
        false => {
            let dense = Dense::number(&packed.values, packed.last, packed.kept.as_ref());
            drop(packed);
            let order = if options.sort {
                dense.by_code()
            } else {
                (0..small(dense.codes.len())).collect()
            };
            let firsts: Vec<u32> = order.iter().map(|&id| dense.firsts[id as usize]).collect();
            let (rows, offsets) = scatter(&dense.ids, &order);
            Ok(Grouping {
                rows,
                offsets: offsets.into(),
                keys: keys.at(firsts)?,
            })
        }
    }
}

pub(super) fn key_columns<'f>(
    frame: &'f Frame,
    names: &'f [String],
) -> Result<Vec<(&'f str, &'f ArrayRef)>, FrameError> {
    if names.is_empty() {
        return Err(FrameError::options(
            "group_by was given no columns; name at least one",
        ));
    }
    let mut columns: Vec<(&str, &ArrayRef)> = Vec::new();
    for name in names {
        if columns.iter().any(|(there, _)| there == name) {
            return Err(FrameError::duplicate(name, "the columns of group_by"));
        }
        columns.push((name, frame.column(name)?));
    }
    Ok(columns)
}

/// The frame of keys, taken from the first rows of the groups.
struct KeyFrame<'k, 'f>(&'k [(&'f str, &'f ArrayRef)]);

impl<'f> KeyFrame<'_, 'f> {
    fn at(&self, firsts: Vec<u32>) -> Result<Frame, FrameError> {
        let firsts = UInt32Array::from(firsts);
        let take = |&(name, array): &(&'f str, &'f ArrayRef)| {
            let keys = arrow_select::take::take(array, &firsts, None);
            keys.map(|keys| (name, keys)).map_err(|e| {
                FrameError::arrow(format!("the keys of {name:?} could not be taken"), e)
            })
        };
        Frame::new(self.0.iter().map(take).collect::<Result<Vec<_>, _>>()?)
    }
}

/// Rows in the order of their codes: each run of equal ones is a group.
fn sorted(packed: Packed, keys: &KeyFrame<'_, '_>) -> Result<Grouping<'static>, FrameError> {
    let of_all = packed.values.len();
    let (rows, offsets) = ascending(packed.values, packed.last, packed.kept.as_ref());
    let begins = &offsets[..offsets.len() - 1];
    let firsts = begins.iter().map(|&at| rows[at as usize]).collect();
    let in_order = rows.len() == of_all && rows.is_sorted();
    Ok(Grouping {
        rows: (!in_order).then(|| rows.into()),
        offsets: offsets.into(),
        keys: keys.at(firsts)?,
    })
}

/// Counting sort: rows by the rank of their group, ascending within it. `order[rank]` is a group's number. Rows that are
/// in order already are not listed.
pub(super) fn scatter(ids: &[u32], order: &[u32]) -> (Option<Cow<'static, [u32]>>, Vec<u32>) {
    let mut counts = vec![0_u32; order.len()];
    for &id in ids {
        if id != NONE {
            counts[id as usize] += 1;
        }
    }
    let mut offsets = Vec::with_capacity(order.len() + 1);
    let mut next = counts; // by number: where the next row of the group goes
    let mut end = 0;
    offsets.push(0);
    for &id in order {
        let size = std::mem::replace(&mut next[id as usize], end);
        end += size;
        offsets.push(end);
    }
    let mut rows = filled(0_u32, end as usize);
    let mut in_order = rows.len() == ids.len();
    for (row, &id) in ids.iter().enumerate() {
        if id != NONE {
            let to = &mut next[id as usize];
            in_order &= *to as usize == row;
            rows[*to as usize] = small(row);
            *to += 1;
        }
    }
    ((!in_order).then(|| rows.into()), offsets)
}

/// Groups as they come: each run of equal keys is one.
fn runs(packed: &Packed, keys: &KeyFrame<'_, '_>) -> Result<Grouping<'static>, FrameError> {
    let kept = |row: usize| packed.kept.as_ref().is_none_or(|kept| kept.is_valid(row));
    let mut rows: Vec<u32> = Vec::with_capacity(packed.values.len());
    let mut firsts: Vec<u32> = Vec::new();
    let mut offsets: Vec<u32> = Vec::new();
    let mut codes: Vec<u64> = Vec::new();
    for (row, &code) in packed
        .values
        .iter()
        .enumerate()
        .filter(|(row, _)| kept(*row))
    {
        if codes.last() != Some(&code) {
            codes.push(code);
            firsts.push(small(row));
            offsets.push(small(rows.len()));
        }
        rows.push(small(row));
    }
    offsets.push(small(rows.len()));
    let distinct = Dense::number(&codes, packed.last, None);
    if distinct.codes.len() < codes.len() {
        let mut seen = 0;
        let again = distinct.ids.iter().position(|&id| {
            let is_new = id == seen;
            seen += u32::from(is_new);
            !is_new
        });
        let row = firsts[again.unwrap_or(0)];
        return Err(FrameError::not_presorted(
            Key::new(&keys.at(vec![row])?, 0),
            row as usize,
        ));
    }
    let in_order = rows.len() == packed.values.len();
    Ok(Grouping {
        rows: (!in_order).then(|| rows.into()),
        offsets: offsets.into(),
        keys: keys.at(firsts)?,
    })
}
