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
use crate::group::Group;
use crate::group_by::GroupBy;
use crate::keys::Grouping;
use crate::partial::Partial;
use crate::run;
use crate::series::Mapped;
use crate::task::GroupTask;
pub use answer::Answer;
use arrow_array::UInt32Array;
pub use call::{Aggregates, And, PortableSummary, Summary};
use partools_core::{Executor, NoShared, NoState, Start};
use serde::{Deserialize, Serialize};

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
pub struct Aggregate<K = Aggregates, G = NoState> {
    by: GroupBy<NoShared, G>,
    call: K,
}

impl<G: Start> Aggregate<Aggregates, G> {
    pub(crate) fn new(by: GroupBy<NoShared, G>, aggregates: Vec<Agg>) -> Self {
        Aggregate {
            by,
            call: Aggregates(aggregates),
        }
    }
}

impl<K: Summary, G: Start> Aggregate<K, G> {
    /// An aggregate of your own beside the others: a column `name` of what `f` returns for each group, a number, a boolean or
    /// a text; null for `None`.
    ///
    /// ```
    /// # use arrow_array::Float64Array;
    /// # use partools_core::Serial;
    /// # use partools_frame::{Frame, agg};
    /// # use std::sync::Arc;
    /// # let frame = Frame::new([
    /// #     ("k", Arc::new(arrow_array::Int64Array::from(vec![1, 0, 1])) as _),
    /// #     ("v", Arc::new(Float64Array::from(vec![1.0, 5.0, 4.0])) as _),
    /// # ])?;
    /// let table = frame.group_by(["k"]).agg([agg::mean("v")]).and("range", |group| {
    ///     let v = group.column::<f64>("v")?;
    ///     Ok(v.iter().copied().reduce(f64::max).zip(v.iter().copied().reduce(f64::min)).map(|(most, least)| most - least))
    /// });
    /// let table = table.and("rows", |group| group.len()).run(&Serial)?;
    /// assert_eq!(table.names().collect::<Vec<_>>(), ["k", "v_mean", "range", "rows"]);
    /// assert_eq!(table.column("range")?.as_ref(), &Float64Array::from(vec![0.0, 3.0]) as &dyn arrow_array::Array);
    /// # Ok::<(), partools_frame::FrameError>(())
    /// ```
    pub fn and<F, R: Mapped>(self, name: impl Into<String>, f: F) -> Aggregate<And<K, F, R>, G>
    where
        F: for<'a, 'g> Fn(&'a Group<'g>) -> R,
    {
        Aggregate {
            by: self.by,
            call: And::new(self.call, name.into(), f),
        }
    }

    /// Runs it on `executor`: the keys, and a column for each aggregate.
    ///
    /// # Errors
    /// Where a column is not there, or of a type that the aggregate has no meaning for; where an integer sum does not
    /// fit 64 bits, or a function of yours fails; or what kept the map from running.
    pub fn run<'t, E>(&'t self, executor: &E) -> Result<Frame, FrameError>
    where
        E: Executor<GroupTask<'t, NoShared, K, G>> + ?Sized,
    {
        self.call.check(&self.by.frame)?;
        let groups = self.by.grouping(executor.capabilities().workers())?;
        let parts = run::parts(&self.by, &groups, &self.call, executor)?;
        self.assemble(&groups, parts)
    }

    /// As [`run`](Self::run), with the failures of groups beside the results of the others.
    ///
    /// # Errors
    /// As [`run`](Self::run), but for the failures of groups.
    pub fn try_run<'t, E>(&'t self, executor: &E) -> Result<Partial, FrameError>
    where
        E: Executor<GroupTask<'t, NoShared, K, G>> + ?Sized,
    {
        self.call.check(&self.by.frame)?;
        let groups = self.by.grouping(executor.capabilities().workers())?;
        let (parts, failures) = run::good_parts(&self.by, &groups, &self.call, executor)?;
        Ok(Partial::new(self.assemble(&groups, parts)?, failures))
    }

    fn assemble(
        &self,
        groups: &Grouping<'static>,
        parts: Vec<Option<K::Part>>,
    ) -> Result<Frame, FrameError> {
        let (of, parts) = run::not_skipped(parts);
        let mut columns = self.by.key_columns(groups, &UInt32Array::from(of))?;
        self.call.columns(&self.by.frame, parts, &mut columns)?;
        Frame::new(columns)
    }
}
