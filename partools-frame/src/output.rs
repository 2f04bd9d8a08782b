//! What a closure may return for a group, and what becomes of it.
//!
//! ```text
//! f64, String, ...          one row: the key and a column
//! (f64, u32), Record        one row: the key and several columns
//! Vec<f64>, ArrayRef        as many rows, the key repeated
//! RecordBatch, Frame        the same with several columns
//! Option<any of these>      None skips the group
//! Result<any of these>      an error is the group's failure
//! ```
//! There is no implementation for all `T: Value`: since a `Result` matches one implementation alone, the error type of a
//! closure with `?` in it needs no annotation.

use crate::cross::Rows;
use crate::frame::Frame;
use crate::group_error::GroupError;
use crate::value::Value;
use arrow_array::types::ArrowPrimitiveType;
use arrow_array::{Array, ArrayRef, BooleanArray, PrimitiveArray, RecordBatch, StringArray};
use arrow_schema::{ArrowError, Field, Schema};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a closure may return for a group: a [`Value`], a tuple of values, a struct by
/// `#[derive(Record)]`, a `Vec` of values, an Arrow array, a `RecordBatch` or a [`Frame`]; an `Option` of any of these, where `None` skips the
/// group; a `Result` of any of these with a [`GroupError`], which `?` makes of every error.
///
/// ```
/// use partools_core::Serial;
/// use partools_frame::{Frame, Record};
/// use std::sync::Arc;
///
/// #[derive(Record)]
/// struct Extremes {
///     least: f64,
///     most: Option<f64>,
/// }
///
/// let frame = Frame::new([
///     ("k", Arc::new(arrow_array::Int64Array::from(vec![1, 2, 1])) as _),
///     ("v", Arc::new(arrow_array::Float64Array::from(vec![5.0, 6.0, 7.0])) as _),
/// ])?;
/// let extremes = frame.group_by(["k"]).apply(|group| {
///     let v = group.column::<f64>("v")?;
///     Ok(Extremes { least: v.iter().copied().fold(f64::MAX, f64::min), most: v.iter().copied().reduce(f64::max) })
/// });
/// let extremes = extremes.run(&Serial)?;
/// assert_eq!(extremes.names().collect::<Vec<_>>(), ["k", "least", "most"]);
/// assert_eq!(extremes.values::<f64>("most")?, [7.0, 6.0]);
/// # Ok::<(), partools_frame::FrameError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no result for a group",
    note = "a closure returns a number, a bool or a text (one row and one column), a tuple or a struct by `#[derive(Record)]` \
            (several columns), a Vec, an Arrow array, a RecordBatch or a Frame (several rows), an Option (None skips the \
            group) or a Result of any of these",
    note = "the error of a Result is `GroupError`, which `?` makes of any error; `Ok::<_, GroupError>(..)` where nothing tells"
)]
pub trait Output: Sized {
    /// What travels from the worker; it must be `Send` for threads, and `Portable` for processes.
    type Part;

    /// What is to travel; `None` skips the group.
    ///
    /// # Errors
    /// The group's failure.
    fn into_part(self) -> Result<Option<Self::Part>, GroupError>;

    /// The columns of all groups.
    ///
    /// # Errors
    /// Where the parts of two groups do not fit together.
    fn columns(parts: Vec<Self::Part>) -> Result<Columns, Mismatch>;
}

/// Output columns: one row a part, or as many as `lengths` say.
#[derive(Debug)]
pub struct Columns {
    pub(crate) arrays: Vec<ArrayRef>,
    /// Where the parts had names.
    pub(crate) names: Option<Vec<String>>,
    pub(crate) lengths: Option<Vec<usize>>,
}

/// Two parts that do not fit together.
#[derive(Debug)]
pub struct Mismatch {
    pub(crate) part: usize,
    pub(crate) found: String,
    pub(crate) expected: String,
}

impl Columns {
    /// One row a part; a value of each column for each part.
    #[must_use]
    pub fn one_row(arrays: Vec<ArrayRef>) -> Self {
        Columns {
            arrays,
            names: None,
            lengths: None,
        }
    }

    /// With names of their own, which [`named`](crate::Apply::named) overrules.
    #[must_use]
    pub fn with_names<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.names = Some(names.into_iter().map(Into::into).collect());
        self
    }
}

macro_rules! scalars {
    ($($type:ty)*) => {$(
        impl Output for $type {
            type Part = <$type as Value>::Stored;
            fn into_part(self) -> Result<Option<Self::Part>, GroupError> {
                Ok(Some(self.store()))
            }
            fn columns(parts: Vec<Self::Part>) -> Result<Columns, Mismatch> {
                Ok(Columns::one_row(vec![<$type as Value>::array(parts)]))
            }
        }
    )*};
}
scalars!(f64 f32 i64 i32 i16 i8 u64 usize u32 u16 u8 bool String &'static str);

impl<R: Output> Output for Option<R> {
    type Part = R::Part;
    fn into_part(self) -> Result<Option<R::Part>, GroupError> {
        self.map_or(Ok(None), R::into_part)
    }
    fn columns(parts: Vec<R::Part>) -> Result<Columns, Mismatch> {
        R::columns(parts)
    }
}

impl<R: Output> Output for Result<R, GroupError> {
    type Part = R::Part;
    fn into_part(self) -> Result<Option<R::Part>, GroupError> {
        self.and_then(R::into_part)
    }
    fn columns(parts: Vec<R::Part>) -> Result<Columns, Mismatch> {
        R::columns(parts)
    }
}

macro_rules! tuples {
    ($(($($name:ident $column:ident $at:tt),+))*) => {$(
        impl<$($name: Value),+> Output for ($($name,)+) {
            type Part = ($($name::Stored,)+);
            fn into_part(self) -> Result<Option<Self::Part>, GroupError> {
                Ok(Some(($(self.$at.store(),)+)))
            }
            fn columns(parts: Vec<Self::Part>) -> Result<Columns, Mismatch> {
                $(let mut $column = Vec::with_capacity(parts.len());)+
                for part in parts {
                    $($column.push(part.$at);)+
                }
                Ok(Columns::one_row(vec![$($name::array($column)),+]))
            }
        }
    )*};
}
tuples! {
    (A a 0)
    (A a 0, B b 1)
    (A a 0, B b 1, C c 2)
    (A a 0, B b 1, C c 2, D d 3)
    (A a 0, B b 1, C c 2, D d 3, E e 4)
    (A a 0, B b 1, C c 2, D d 3, E e 4, F f 5)
    (A a 0, B b 1, C c 2, D d 3, E e 4, F f 5, G g 6)
    (A a 0, B b 1, C c 2, D d 3, E e 4, F f 5, G g 6, H h 7)
}

fn batch_of(array: ArrayRef) -> RecordBatch {
    let field = Field::new("", array.data_type().clone(), true);
    RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![array])
        .expect("one nullable column is a batch")
}

/// The columns of batches behind one another.
fn concatenated(parts: &[Rows], named: bool) -> Result<Columns, Mismatch> {
    let lengths = Some(parts.iter().map(|rows| rows.0.num_rows()).collect());
    let Some(Rows(first)) = parts.first() else {
        return Ok(Columns {
            arrays: Vec::new(),
            names: None,
            lengths,
        });
    };
    let fields = first.schema_ref().fields();
    let alike = |rows: &RecordBatch| {
        let others = rows.schema_ref().fields();
        others.len() == fields.len()
            && fields
                .iter()
                .zip(others)
                .all(|(a, b)| a.name() == b.name() && a.data_type() == b.data_type())
    };
    if let Some(part) = parts.iter().position(|rows| !alike(&rows.0)) {
        return Err(Mismatch {
            part,
            found: described(&parts[part].0, named),
            expected: described(first, named),
        });
    }
    let column = |at: usize| {
        let pieces: Vec<&dyn Array> = parts
            .iter()
            .map(|rows| rows.0.column(at).as_ref())
            .collect();
        arrow_select::concat::concat(&pieces)
    };
    let arrays = (0..fields.len())
        .map(column)
        .collect::<Result<_, _>>()
        .map_err(too_long)?;
    let names = named.then(|| fields.iter().map(|field| field.name().clone()).collect());
    Ok(Columns {
        arrays,
        names,
        lengths,
    })
}

fn described(batch: &RecordBatch, named: bool) -> String {
    let fields = batch.schema_ref().fields();
    let field = |field: &Arc<Field>| match named {
        true => format!("{}: {}", field.name(), field.data_type()),
        false => field.data_type().to_string(),
    };
    fields.iter().map(field).collect::<Vec<_>>().join(", ")
}

macro_rules! rows {
    ($([$($generics:tt)*] $type:ty, $named:literal, |$value:ident| $batch:expr;)*) => {$(
        impl<$($generics)*> Output for $type {
            type Part = Rows;
            fn into_part(self) -> Result<Option<Rows>, GroupError> {
                let $value = self;
                Ok(Some(Rows($batch)))
            }
            fn columns(parts: Vec<Rows>) -> Result<Columns, Mismatch> {
                concatenated(&parts, $named)
            }
        }
    )*};
}
rows! {
    [] RecordBatch, true, |batch| Frame::try_from(batch)?.into_batch();
    [] Frame, true, |frame| frame.into_batch();
    [] ArrayRef, false, |array| batch_of(array);
    [T: ArrowPrimitiveType] PrimitiveArray<T>, false, |array| batch_of(Arc::new(array));
    [] StringArray, false, |array| batch_of(Arc::new(array));
    [] BooleanArray, false, |array| batch_of(Arc::new(array));
}

/// The values of a group on their way: a few as they are, many as an Arrow array, which crosses borders as fast as memory is
/// copied but has a head of hundreds of bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum GroupValues<V> {
    /// Up to 64.
    Few(Vec<V>),
    /// More.
    Many(Rows),
}

const FEW: usize = 64;

impl<T: Value> Output for Vec<T> {
    type Part = GroupValues<T::Stored>;
    fn into_part(self) -> Result<Option<Self::Part>, GroupError> {
        let stored: Vec<T::Stored> = self.into_iter().map(T::store).collect();
        Ok(Some(match stored.len() {
            0..=FEW => GroupValues::Few(stored),
            _ => GroupValues::Many(Rows(batch_of(T::array(stored)))),
        }))
    }
    fn columns(parts: Vec<Self::Part>) -> Result<Columns, Mismatch> {
        let (mut lengths, mut pieces) = (Vec::with_capacity(parts.len()), Vec::new());
        let mut few = Vec::new();
        for part in parts {
            match part {
                GroupValues::Few(values) => {
                    lengths.push(values.len());
                    few.extend(values);
                }
                GroupValues::Many(Rows(batch)) => {
                    lengths.push(batch.num_rows());
                    pieces.push(T::array(std::mem::take(&mut few)));
                    pieces.push(Arc::clone(batch.column(0)));
                }
            }
        }
        pieces.push(T::array(few));
        let all = match &pieces[..] {
            [all] => Ok(Arc::clone(all)),
            _ => {
                arrow_select::concat::concat(&pieces.iter().map(AsRef::as_ref).collect::<Vec<_>>())
            }
        };
        Ok(Columns {
            arrays: vec![all.map_err(too_long)?],
            names: None,
            lengths: Some(lengths),
        })
    }
}

/// Arrays of one type fit together unless they are too long together.
fn too_long(error: ArrowError) -> Mismatch {
    Mismatch {
        part: 0,
        found: error.to_string(),
        expected: "columns that Arrow can put behind one another".to_owned(),
    }
}
