//! Where large arrays of numbers a row or a group lie: in huge pages, where the system has them. They are read and written in
//! no order, so that with small ones most of the time goes into finding the page; and a child of `Fork` is made by copying
//! the table of pages.

/// Less than two huge pages gain nothing.
#[cfg(target_os = "linux")]
const LARGE: usize = 4 << 20;

/// Asks for huge pages for an array that was not touched yet. It is as good as before where there are none.
#[cfg_attr(
    not(target_os = "linux"),
    expect(clippy::ptr_arg, reason = "as on Linux")
)]
pub(super) fn advise<T>(array: &mut Vec<T>) {
    #[cfg(target_os = "linux")]
    if array.capacity() * size_of::<T>() >= LARGE {
        // A kernel without them refuses, which costs speed and nothing else.
        let _: Result<usize, _> = partools_os::huge_pages(array);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = array;
}

/// An empty array with room for `count`.
pub(super) fn room<T>(count: usize) -> Vec<T> {
    let mut array = Vec::with_capacity(count);
    advise(&mut array);
    array
}

/// `count` times `value`.
pub(super) fn filled<T: Copy>(value: T, count: usize) -> Vec<T> {
    let mut array = room(count);
    array.resize(count, value);
    array
}

/// All that `values` has, of which the number is known.
pub(super) fn collected<T>(values: impl ExactSizeIterator<Item = T>) -> Vec<T> {
    let mut array = room(values.len());
    array.extend(values);
    array
}
