//! Items that return a `Result`: with an error that crosses borders, and with one that cannot.

use super::products::mix;
use partools_core::{Span, StartError, Task, Writer};
use std::time::Duration;

/// Why an item of [`Fallible`] refused.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Refusal {
    /// The item.
    pub index: usize,
    /// Why.
    pub why: String,
}

/// So many items, some of which return an error; one may sleep first, one may panic.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Fallible {
    count: usize,
    errors: Vec<usize>,
    slow: Option<(usize, Duration)>,
    panics: Option<usize>,
}

impl Fallible {
    /// `count` items, those in `errors` return an error.
    #[must_use]
    pub fn new(count: usize, errors: &[usize]) -> Self {
        Fallible {
            count,
            errors: errors.to_vec(),
            slow: None,
            panics: None,
        }
    }

    /// Item `index` sleeps first.
    #[must_use]
    pub fn slow(mut self, index: usize, time: Duration) -> Self {
        self.slow = Some((index, time));
        self
    }

    /// Item `index` panics.
    #[must_use]
    pub fn panics(mut self, index: usize) -> Self {
        self.panics = Some(index);
        self
    }

    /// What item `index` returns where it refuses.
    #[must_use]
    pub fn refusal(index: usize) -> Refusal {
        Refusal {
            index,
            why: format!("item {index} says no"),
        }
    }

    fn call(&self, index: usize) -> bool {
        if let Some((slow, time)) = self.slow
            && slow == index
        {
            std::thread::sleep(time);
        }
        assert!(
            self.panics != Some(index),
            "item {index} panics, as it was told to"
        );
        self.errors.contains(&index)
    }
}

impl Task for Fallible {
    type State = ();
    type Output = Result<u64, Refusal>;

    fn count(&self) -> usize {
        self.count
    }
    fn start(&self, _worker: usize) -> Result<(), StartError> {
        Ok(())
    }
    fn call_chunk(&self, _state: &mut (), span: &Span, out: &mut Writer<'_, Self::Output>) {
        for index in span.range() {
            let refuses = self.call(index);
            out.push(if refuses {
                Err(Self::refusal(index))
            } else {
                Ok(mix(index))
            });
        }
    }
}

/// As [`Fallible`], with an error of the standard library that no serializer can carry.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Worded(pub Fallible);

impl Task for Worded {
    type State = ();
    type Output = Result<u64, std::io::Error>;

    fn count(&self) -> usize {
        self.0.count
    }
    fn start(&self, _worker: usize) -> Result<(), StartError> {
        Ok(())
    }
    fn call_chunk(&self, _state: &mut (), span: &Span, out: &mut Writer<'_, Self::Output>) {
        for index in span.range() {
            let refuses = self.0.call(index);
            let error = || std::io::Error::other(Fallible::refusal(index).why);
            out.push(if refuses {
                Err(error())
            } else {
                Ok(mix(index))
            });
        }
    }
}
