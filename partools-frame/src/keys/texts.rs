//! Keys that are bytes: texts, binary values, and the rows of Arrow's own format that every other type is encoded as. Short ones
//! are numbers already; of longer ones there is a table.

use super::codes::{Codes, Order};
use super::room::collected;
use crate::error::FrameError;
use arrow_array::types::ByteArrayType;
use arrow_array::{Array, GenericByteArray, OffsetSizeTrait};
use arrow_buffer::NullBuffer;
use arrow_row::{RowConverter, SortField};
use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

/// Texts that lie behind one another in memory. A beginning that all have in common tells nothing and is left out; what is
/// left is its own code if it is short enough, else there is a table of the texts.
pub(super) fn flat<O: OffsetSizeTrait, V: ByteArrayType<Offset = O>>(
    array: &GenericByteArray<V>,
    present: Option<NullBuffer>,
    order: Order,
) -> Codes {
    let (offsets, bytes) = (array.value_offsets(), array.value_data());
    let text = |row: usize| &bytes[offsets[row].as_usize()..offsets[row + 1].as_usize()];
    let is_present = |row: &usize| {
        present
            .as_ref()
            .is_none_or(|present| present.is_valid(*row))
    };
    let rows = || (0..array.len()).filter(is_present);
    let lengths = rows().map(|row| offsets[row + 1].as_usize() - offsets[row].as_usize());
    let Some((shortest, longest)) = lengths.fold(None, |ends, length| {
        let (least, most) = ends.unwrap_or((length, length));
        Some((length.min(least), length.max(most)))
    }) else {
        return Codes {
            values: vec![0; array.len()],
            last: 0,
            present: present.clone(),
        };
    };
    let beginning = match longest {
        0..=SHORT => 0,
        _ => common(rows().map(text), shortest),
    };
    let longest = longest - beginning;
    if longest > SHORT {
        let texts = (0..array.len()).map(|row| is_present(&row).then(|| text(row)));
        return table(texts, present.clone(), order);
    }
    // Where all are equally long, their length tells nothing either.
    let radix = match shortest == longest + beginning {
        true => 1,
        false => longest as u64 + 1,
    };
    let code = |row: usize| {
        let (start, end) = (
            offsets[row].as_usize() + beginning,
            offsets[row + 1].as_usize(),
        );
        let length = end.saturating_sub(start).min(longest);
        let lying = match bytes.get(start..start + 8) {
            Some(eight) => u64::from_be_bytes(eight.try_into().unwrap_or_default()),
            // At the end of all.
            None => padded(bytes.get(start..start + length).unwrap_or_default()),
        };
        // The bytes behind it are the next one's: away with them, and up to the length of the longest.
        let own =
            lying.checked_shr(64 - 8 * bits(length)).unwrap_or(0) << (8 * bits(longest - length));
        own * radix + (length as u64) % radix
    };
    let mut values: Vec<u64> = collected((0..array.len()).map(code));
    let of_present = rows().map(|row| values[row]);
    let (least, most) = of_present.fold((u64::MAX, 0), |(least, most), value| {
        (value.min(least), value.max(most))
    });
    for value in &mut values {
        *value = value.wrapping_sub(least);
    }
    Codes {
        values,
        last: most - least,
        present: present.clone(),
    }
}

/// So many bytes and their number fit 64 bits: 256^7 * 8 = 2^59.
const SHORT: usize = 7;

/// A length of up to [`SHORT`].
fn bits(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn padded(text: &[u8]) -> u64 {
    let mut padded = [0; 8];
    padded[..text.len()].copy_from_slice(text);
    u64::from_be_bytes(padded)
}

/// How many bytes all texts begin with in common; at most as many as the shortest has.
fn common<'b>(mut texts: impl Iterator<Item = &'b [u8]>, shortest: usize) -> usize {
    let Some(first) = texts.next() else { return 0 };
    let mut beginning = &first[..shortest];
    for text in texts {
        if !text.starts_with(beginning) {
            let same = beginning.iter().zip(text).take_while(|(a, b)| a == b);
            beginning = &beginning[..same.count()];
        }
        if beginning.is_empty() {
            return 0;
        }
    }
    beginning.len()
}

/// Texts that lie anywhere: short ones are their own codes; else there is a table of them.
pub(super) fn scattered<'b>(
    texts: impl Iterator<Item = Option<&'b [u8]>> + Clone,
    present: Option<NullBuffer>,
    order: Order,
) -> Codes {
    let longest = texts.clone().flatten().map(<[u8]>::len).max().unwrap_or(0);
    if longest > SHORT {
        return table(texts, present, order);
    }
    let radix = longest as u64 + 1;
    let shift = 8 * (8 - bits(longest));
    let code =
        |text: &[u8]| padded(text).checked_shr(shift).unwrap_or(0) * radix + text.len() as u64;
    let values: Vec<u64> = texts.map(|text| text.map_or(0, code)).collect();
    let last = values.iter().copied().max().unwrap_or(0);
    Codes {
        values,
        last,
        present,
    }
}

/// The distinct texts are numbered as they appear; then, where the order counts, by rank.
fn table<'b>(
    texts: impl Iterator<Item = Option<&'b [u8]>>,
    present: Option<NullBuffer>,
    order: Order,
) -> Codes {
    let hasher = DefaultHashBuilder::default();
    let mut numbers: HashTable<usize> = HashTable::new();
    let mut distinct: Vec<&[u8]> = Vec::new();
    let mut values: Vec<u64> = texts
        .map(|text| {
            let Some(text) = text else { return 0 };
            let entry = numbers.entry(
                hasher.hash_one(text),
                |&number| distinct[number] == text,
                |&number| hasher.hash_one(distinct[number]),
            );
            match entry {
                Entry::Occupied(there) => *there.get() as u64,
                Entry::Vacant(free) => {
                    free.insert(distinct.len());
                    distinct.push(text);
                    distinct.len() as u64 - 1
                }
            }
        })
        .collect();
    if order == Order::Kept {
        let mut by_rank: Vec<usize> = (0..distinct.len()).collect();
        by_rank.sort_unstable_by_key(|&number| distinct[number]);
        let mut ranks = vec![0_u64; distinct.len().max(1)];
        for (rank, &number) in by_rank.iter().enumerate() {
            ranks[number] = rank as u64;
        }
        for value in &mut values {
            *value = ranks[usize::try_from(*value).unwrap_or(0)];
        }
    }
    let last = (distinct.len() as u64).saturating_sub(1);
    Codes {
        values,
        last,
        present,
    }
}

/// Any other type, through Arrow's row format.
pub(super) fn rows(
    name: &str,
    array: &dyn Array,
    present: Option<NullBuffer>,
    order: Order,
) -> Result<Codes, FrameError> {
    let unsupported =
        |_| FrameError::wrong_type(name, array.data_type(), "a type that can be a key");
    let field = SortField::new(array.data_type().clone());
    let converter = RowConverter::new(vec![field]).map_err(unsupported)?;
    let rows = converter
        .convert_columns(&[array.slice(0, array.len())])
        .map_err(unsupported)?;
    let texts = (0..array.len()).map(|at| {
        let valid = present.as_ref().is_none_or(|present| present.is_valid(at));
        valid.then(|| rows.row(at).data())
    });
    Ok(table(texts, present.clone(), order))
}

#[cfg(test)]
mod tests {
    use crate::keys::codes::{Nan, Order, codes};
    use arrow_array::ArrayRef;
    use std::sync::Arc;

    fn of(array: ArrayRef) -> Vec<u64> {
        codes("k", &array, Nan::Key, Order::Kept)
            .expect("a key")
            .values
    }

    fn in_order(codes: &[u64]) -> bool {
        codes.windows(2).all(|pair| pair[0] < pair[1])
    }

    #[test]
    fn the_order_of_codes_is_the_order_of_texts_short_and_long() {
        let short = vec!["", "\0", "a", "a\0", "a\0\0", "ab", "b"];
        assert!(in_order(&of(Arc::new(arrow_array::StringArray::from(
            short
        )))));
        let seven = vec!["", "\u{1}", "abcdefg", "abcdefh", "\u{10ffff}"];
        assert!(in_order(&of(Arc::new(arrow_array::StringViewArray::from(
            seven
        )))));
        let alike = vec!["carrier 1", "carrier 10", "carrier 11", "carrier 2"];
        assert!(in_order(&of(Arc::new(arrow_array::StringArray::from(
            alike
        )))));
        let equally_long = vec![
            "id0000000001",
            "id0000000002",
            "id0000099999",
            "id0000100000",
        ];
        assert!(in_order(&of(Arc::new(arrow_array::StringArray::from(
            equally_long
        )))));
        let long = vec!["", "a", "a longer one", "a longer one still", "b"];
        assert!(in_order(&of(Arc::new(
            arrow_array::LargeStringArray::from(long)
        ))));
    }
}
