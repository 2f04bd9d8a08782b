//! The variants named so far in one message, each known by its place from then on.

/// A few places stand ready, so that a message with an `Ok` or an `Err` in it allocates nothing.
#[derive(Default)]
pub(super) struct Table<'n> {
    near: [&'n str; 4],
    used: usize,
    far: Vec<&'n str>,
}

impl<'n> Table<'n> {
    /// How many names there are, which is the place of the next.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.used + self.far.len()
    }

    #[inline]
    pub(super) fn push(&mut self, name: &'n str) {
        match self.near.get_mut(self.used) {
            Some(place) => {
                *place = name;
                self.used += 1;
            }
            None => self.far.push(name),
        }
    }

    #[inline]
    pub(super) fn get(&self, place: usize) -> Option<&'n str> {
        match self.near[..self.used].get(place) {
            Some(name) => Some(name),
            None => self.far.get(place - self.used).copied(),
        }
    }

    /// The place of `name`, by address: a name that lies in two places in memory may have two in here,
    /// which is harmless.
    #[inline]
    pub(super) fn place(&self, name: &'n str) -> Option<usize> {
        let known = self.near[..self.used].iter().chain(&self.far);
        known
            .into_iter()
            .position(|known| std::ptr::eq(*known, name))
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn names_keep_their_places_beyond_the_ready_ones() {
        let names = ["a", "b", "c", "d", "e", "f", "g"];
        let mut table = Table::default();
        for (place, name) in names.iter().enumerate() {
            assert_eq!(table.place(name), None);
            assert_eq!(table.get(place), None);
            assert_eq!(table.len(), place);
            table.push(name);
        }
        for (place, name) in names.iter().enumerate() {
            assert_eq!(table.place(name), Some(place));
            assert_eq!(table.get(place), Some(*name));
        }
        assert_eq!(table.get(names.len()), None);
    }
}
