//! A file that is missing, cut off or changed in one bit is an error that says so, and what to do.

use partools_flights::{Error, load_from, path};

/// What loading says of the file after `change`.
fn after(change: impl FnOnce(&mut Vec<u8>)) -> Error {
    let mut bytes = std::fs::read(path()).unwrap();
    change(&mut bytes);
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.csv.zst");
    std::fs::write(&copy, bytes).unwrap();
    load_from(&copy).unwrap_err()
}

#[test]
fn a_missing_file_is_named() {
    let error = load_from("nowhere/flights.csv.zst".as_ref()).unwrap_err();
    assert!(error.is_missing());
    let text = error.to_string();
    assert!(
        text.starts_with("cannot read the flights from nowhere/flights.csv.zst: "),
        "{text}"
    );
    assert!(
        text.contains("; restore the file from the repository"),
        "{text}"
    );
}

#[test]
fn one_flipped_bit_is_damage() {
    let error = after(|bytes| bytes[1_000_000] ^= 1);
    assert!(error.is_damaged(), "{error}");
    assert!(
        error
            .to_string()
            .contains("copy.csv.zst are damaged: their checksum is "),
        "{error}"
    );
}

#[test]
fn a_file_cut_off_is_damage() {
    assert!(after(|bytes| bytes.truncate(bytes.len() - 1)).is_damaged());
    assert!(after(Vec::clear).is_damaged());
}
