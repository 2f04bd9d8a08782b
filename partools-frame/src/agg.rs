//! Ready-made aggregates for [`GroupBy::agg`](crate::GroupBy::agg), named functions of a column. Nulls are left out, as in
//! pandas; what needs a value where there is none is null.
//!
//! ```
//! use arrow_array::{Int64Array, StringArray};
//! use partools_core::Serial;
//! use partools_frame::{Frame, agg};
//! use std::sync::Arc;
//!
//! let frame = Frame::new([
//!     ("k", Arc::new(StringArray::from(vec!["a", "b", "a"])) as _),
//!     ("v", Arc::new(Int64Array::from(vec![Some(3), None, Some(4)])) as _),
//! ])?;
//! let table = frame.group_by(["k"]).agg([agg::count("v"), agg::sum("v"), agg::first("v")]).run(&Serial)?;
//! assert_eq!(table.names().collect::<Vec<_>>(), ["k", "v_count", "v_sum", "v_first"]);
//! assert_eq!(table.values::<u64>("v_count")?, [2, 0]);
//! assert_eq!(table.values::<i64>("v_sum")?, [7, 0]);
//! assert_eq!(table.column("v_first")?.null_count(), 1);
//! # Ok::<(), partools_frame::FrameError>(())
//! ```

mod answer;
mod call;

use crate::error::FrameError;
use crate::frame::Frame;
use crate::group_by::GroupBy;
use crate::keys::small;
use crate::run;
use crate::task::GroupTask;
pub use answer::Answer;
use arrow_array::{ArrayRef, UInt32Array};
pub use call::Aggregates;
use partools_core::{Executor, NoShared};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One aggregate of one column: what the functions of this module make.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Agg {
    column: String,
    kind: Kind,
    name: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Count,
    Sum,
    Mean,
    Var,
    Std,
    Min,
    Max,
    Quantile(f64),
    Median,
    First,
    Last,
    NUnique,
    Any,
    All,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident => $kind:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name(column: impl Into<String>) -> Agg {
            Agg { column: column.into(), kind: Kind::$kind, name: None }
        }
    )*};
}
kinds! {
    /// How many values there are; of any type.
    count => Count;
    /// The sum: `Int64` of signed integers, `UInt64` of unsigned ones and booleans, `Float64` of floats; of none, 0.
    sum => Sum;
    /// The mean.
    mean => Mean;
    /// The variance, over one less than the number of values; null where there are fewer than two.
    var => Var;
    /// The standard deviation, the root of [`var()`].
    std => Std;
    /// The least value, of any type that can be a key.
    min => Min;
    /// The largest value, of any type that can be a key.
    max => Max;
    /// The value in the middle, or the mean of the two there.
    median => Median;
    /// The value of the first row that has one; of any type.
    first => First;
    /// The value of the last row that has one; of any type.
    last => Last;
    /// How many different values there are, of any type that can be a key.
    n_unique => NUnique;
    /// Is any boolean true, any number not zero?
    any => Any;
    /// Are all booleans true, all numbers not zero?
    all => All;
}

/// The value below which the share `q` of the values lies, from 0 to 1, between two values by linear interpolation.
pub fn quantile(column: impl Into<String>, q: f64) -> Agg {
    Agg {
        column: column.into(),
        kind: Kind::Quantile(q),
        name: None,
    }
}

impl Agg {
    /// Names its column of the result; if not, it is the column's name and the aggregate's, as in `delay_mean`.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    fn result_name(&self) -> String {
        self.name
            .clone()
            .unwrap_or_else(|| format!("{}_{}", self.column, self.kind.name()))
    }
}

impl Kind {
    fn name(self) -> String {
        match self {
            Kind::Count => "count".to_owned(),
            Kind::Sum => "sum".to_owned(),
            Kind::Mean => "mean".to_owned(),
            Kind::Var => "var".to_owned(),
            Kind::Std => "std".to_owned(),
            Kind::Min => "min".to_owned(),
            Kind::Max => "max".to_owned(),
            Kind::Quantile(q) => format!("quantile_{q}"),
            Kind::Median => "median".to_owned(),
            Kind::First => "first".to_owned(),
            Kind::Last => "last".to_owned(),
            Kind::NUnique => "n_unique".to_owned(),
            Kind::Any => "any".to_owned(),
            Kind::All => "all".to_owned(),
        }
    }
}

/// Aggregates over groups, ready to run. Made by [`GroupBy::agg`].
#[derive(Debug, Clone)]
#[must_use = "nothing runs before an ending such as run"]
pub struct Aggregate {
    by: GroupBy,
    call: Aggregates,
}

impl Aggregate {
    pub(crate) fn new(by: GroupBy, aggregates: Vec<Agg>) -> Self {
        Aggregate {
            by,
            call: Aggregates(aggregates),
        }
    }

    /// Runs it on `executor`: the keys, and a column for each aggregate.
    ///
    /// # Errors
    /// Where a column is not there, or of a type that the aggregate has no meaning for; where an integer sum does not
    /// fit 64 bits; or what kept the map from running.
    pub fn run<'t, E>(&'t self, executor: &E) -> Result<Frame, FrameError>
    where
        E: Executor<GroupTask<'t, NoShared, Aggregates>> + ?Sized,
    {
        for agg in &self.call.0 {
            answer::check(agg.kind, &agg.column, self.by.frame.column(&agg.column)?)?;
        }
        let groups = self.by.grouping()?;
        let parts = run::parts(&self.by, &groups, &self.call, executor)?;
        let (of, parts): (Vec<u32>, Vec<_>) = parts
            .into_iter()
            .enumerate()
            .filter_map(|(group, part)| Some((small(group), part?)))
            .unzip();
        let mut columns: Vec<(String, ArrayRef)> = Vec::new();
        if self.by.group_keys {
            let keys = groups.keys.take(&UInt32Array::from(of))?;
            let named = keys.names().zip(keys.batch().columns());
            columns.extend(named.map(|(name, array)| (name.to_owned(), Arc::clone(array))));
        }
        for (at, agg) in self.call.0.iter().enumerate() {
            let column = self.by.frame.column(&agg.column)?;
            let answers = parts.iter().map(|part| part.get(at).cloned().flatten());
            columns.push((
                agg.result_name(),
                answer::column(agg.kind, column, answers)?,
            ));
        }
        Frame::new(columns)
    }
}
