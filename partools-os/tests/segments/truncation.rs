//! A file that is cut off under its mapping.

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use partools_os::{FilePart, MappedSlice};

use crate::roles::{perform, say};
use crate::trials;

trials![who_touches_a_page_that_is_gone_is_killed_by_sigbus];

fn who_touches_a_page_that_is_gone_is_killed_by_sigbus() {
    let output = perform("touch", Stdio::null());
    let (said, why) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(said, "what is left can be read\n", "{why}");
    assert_eq!(output.status.signal(), Some(libc::SIGBUS), "{why}");
}

/// Role: cuts a file of three pages off in its second one, and reads on.
pub(crate) fn touch() {
    let page = rustix::param::page_size();
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(&vec![7; 3 * page]).expect("written");
    let also = file.try_clone().expect("a descriptor");
    // SAFETY: this breaks the promise, and only looks at what is promised then (bytes, through volatile reads).
    let mapped = unsafe { MappedSlice::<u8>::from_file(also, FilePart::whole()) }.expect("mapped");
    let cut = page + 10;
    file.set_len(cut as u64).expect("cut off");
    let read = |place: usize| {
        // SAFETY: inside the slice; a page that is gone is a signal, which is the point.
        unsafe { std::ptr::read_volatile(&raw const mapped[place]) }
    };
    assert_eq!([read(0), read(page), read(cut - 1)], [7; 3]);
    assert_eq!(
        [read(cut), read(2 * page - 1)],
        [0; 2],
        "the rest of the last page is zeros"
    );
    say("what is left can be read");
    assert_eq!(read(2 * page), 7);
    say("what is gone can be read too");
}
