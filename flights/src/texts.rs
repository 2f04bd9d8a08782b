//! A column of texts: all of them in one string, and where each ends. An empty text is a missing one; the
//! table has no others.

/// A column of texts, some of which may be missing.
#[derive(Debug, Clone, Default)]
pub struct Texts {
    all: String,
    ends: Vec<usize>,
}

impl Texts {
    pub(crate) fn push(&mut self, text: Option<&str>) {
        self.all.push_str(text.unwrap_or_default());
        self.ends.push(self.all.len());
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Are there no rows?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The text of a row; `None` where it is missing.
    ///
    /// # Panics
    /// Where there is no such row.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<&str> {
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.all[start..self.ends[row]]).filter(|text| !text.is_empty())
    }

    /// The texts of all rows, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<&str>> {
        (0..self.len()).map(|row| self.get(row))
    }
}
