//! From the compressed file to its text. The checksum is that of the file as it lies on disk, so that damage
//! is named as such before anything is decompressed.

use crate::error::Error;
use ruzstd::decoding::StreamingDecoder;
use std::io::Read;
use std::path::Path;
use xxhash_rust::xxh3::xxh3_64;

/// XXH3, 64 bits, of `data/flights.csv.zst`.
const CHECKSUM: u64 = 0x391d_6bc2_c705_0675;
/// How long the text is, in bytes.
const TEXT: usize = 31_053_850;

pub(crate) fn text(path: &Path) -> Result<String, Error> {
    let file = std::fs::read(path).map_err(|error| Error::unreadable(path, error))?;
    let checksum = xxh3_64(&file);
    if checksum != CHECKSUM {
        return Err(Error::damaged(path, checksum, CHECKSUM));
    }
    let wrong = |why: String| Error::content(path, why);
    let mut decoder =
        StreamingDecoder::new(file.as_slice()).map_err(|error| wrong(error.to_string()))?;
    let mut text = String::with_capacity(TEXT);
    decoder
        .read_to_string(&mut text)
        .map_err(|error| wrong(error.to_string()))?;
    Ok(text)
}
