//! Entries by offset: what serves a type of task, named so that another process of this executable finds it.
//!
//! The core knows what an [`Entry`] looks like, the [`Image`] what may be read and is never written to. Together they are
//! the safe way from a number that came from elsewhere to a function that can be called.

use partools_core::{Error, wire::Entry};

use super::{Image, ImageError};

impl Image {
    /// The offset of `entry` in this executable; the same in each process that runs it.
    ///
    /// ```
    /// use partools_core::{Plan, over, wire::Parcel};
    /// use partools_os::image::Image;
    /// let job = over(0..3).map(|i| i * 2);
    /// let parcel = Parcel::pack(job.task(), &Plan::new())?;
    /// let image = Image::this()?;
    /// let offset = image.offset_of_entry(parcel.entry())?; // sent, beside `parcel.head()`
    ///
    /// let entry = image.entry_at(offset)?; // in a worker process
    /// assert_eq!(entry.name(), parcel.entry().name());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`offset_of`](Self::offset_of): where the task's type belongs to a shared library.
    pub fn offset_of_entry(&self, entry: Entry) -> Result<u64, ImageError> {
        self.offset_of(entry.address())
    }

    /// The entry at `offset`, which may be any number: what is there is only read where nobody writes, and must begin with
    /// the mark of an entry. Which task it serves follows from the [identity](Self::check) of the executable, and from
    /// the name in the parcel's head, which is checked when it serves.
    ///
    /// # Errors
    /// As [`address_at`](Self::address_at), and [`ImageError::NoEntry`] where something else is there.
    pub fn entry_at(&self, offset: u64) -> Result<Entry, ImageError> {
        let address = self.address_at(offset, Entry::BYTES, Entry::ALIGN)?;
        // SAFETY: aligned and as long as that, in a part of this executable that is never written to (`address_at`).
        unsafe { Entry::at(address) }.ok_or(ImageError::NoEntry { offset })
    }
}

/// It keeps a map from running.
impl From<ImageError> for Error {
    fn from(error: ImageError) -> Self {
        Error::executor(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use partools_core::over;

    #[test]
    fn an_entry_is_found_at_its_offset_and_at_no_other() {
        let image = Image::this().unwrap();
        let job = over(0..3).map(|i| i);
        let entry = Entry::of(job.task());
        let offset = image.offset_of_entry(entry).unwrap();
        assert_eq!(image.entry_at(offset).unwrap().name(), entry.name());
        let elsewhere = image
            .offset_of(Entry::at as unsafe fn(_) -> _ as *const ())
            .unwrap();
        for wrong in [elsewhere.next_multiple_of(8), offset + 8, offset + 1, 0] {
            assert!(image.entry_at(wrong).is_err(), "at {wrong}");
        }
        for outside in [u64::MAX, u64::MAX - 7, 1 << 40] {
            let error = image.entry_at(outside).unwrap_err();
            assert!(
                matches!(error, ImageError::OutOfRange { .. }),
                "{outside}: {error}"
            );
        }
    }

    #[test]
    fn what_is_no_entry_is_named() {
        static NONE: [u64; 64] = [7; 64];
        let image = Image::this().unwrap();
        let offset = image.offset_of((&raw const NONE).cast()).unwrap();
        let error = image.entry_at(offset).unwrap_err();
        assert_eq!(error, ImageError::NoEntry { offset });
        assert!(error.to_string().contains("no entry"), "{error}");
    }
}
