//! Which map a journal belongs to.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

/// Everything by which the outputs of one map are told from those of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fingerprint {
    pub(crate) tag: String,
    pub(crate) count: u64,
    pub(crate) seed: u64,
    /// The name of the output's type.
    pub(crate) output: String,
    /// Which executable; empty where nobody knows.
    pub(crate) image: Vec<u8>,
    /// A hash of the items, where it was asked for.
    pub(crate) items: Option<u64>,
}

/// What may differ.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Leave {
    pub(crate) build: bool,
    pub(crate) map: bool,
}

impl Fingerprint {
    /// How `found`, which stands in a file, differs from this map where it may not; and what would allow it.
    pub(crate) fn refuse(&self, found: &Fingerprint, leave: Leave) -> Option<(String, String)> {
        let mut differs = Vec::new();
        if self.output != found.output {
            let why = format!(
                "its outputs are of type {}, not {}",
                found.output, self.output
            );
            return Some((why, "use another path".to_owned()));
        }
        if !leave.map {
            if self.tag != found.tag {
                differs.push(format!("its tag is {:?}, not {:?}", found.tag, self.tag));
            }
            if self.count != found.count {
                differs.push(format!(
                    "its map has {} items, not {}",
                    found.count, self.count
                ));
            }
            if self.seed != found.seed {
                differs.push(format!("its seed is {}, not {}", found.seed, self.seed));
            }
            if self.items != found.items {
                differs.push(match (self.items, found.items) {
                    (Some(_), Some(_)) => "its items are others".to_owned(),
                    _ => "of one of the two the items were hashed, of the other not".to_owned(),
                });
            }
            if !differs.is_empty() {
                let instead = "use another path, delete the file to begin anew, or take what it has with `any_map`";
                return Some((differs.join(", and "), instead.to_owned()));
            }
        }
        if !leave.build && (self.image != found.image || self.image.is_empty()) {
            let why = match self.image.is_empty() {
                true => {
                    "nobody knows whether it was written by this build, since this executable cannot be read"
                }
                false => "it was written by another build of this program, or by another program",
            };
            let instead = "delete the file to begin anew, or, if the build changes no output, take what it has with `any_build`";
            return Some((why.to_owned(), instead.to_owned()));
        }
        None
    }
}

/// What tells this executable from others.
pub(crate) fn image() -> Vec<u8> {
    #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
    if let Ok(image) = partools_os::image::Image::this() {
        return image.identity().to_bytes();
    }
    hash_of_executable().unwrap_or_default()
}

fn hash_of_executable() -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut file = std::fs::File::open(std::env::current_exe()?)?;
    let (mut hash, mut buffer) = (Xxh3::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hash.digest128().to_le_bytes().to_vec()),
            n => hash.update(&buffer[..n]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mine() -> Fingerprint {
        Fingerprint {
            tag: "t".to_owned(),
            count: 9,
            seed: 1,
            output: "u8".to_owned(),
            image: vec![7],
            items: Some(3),
        }
    }

    #[test]
    fn each_difference_is_refused_by_its_name_and_allowed_by_its_option() {
        let allow = |build, map| Leave { build, map };
        assert!(mine().refuse(&mine(), Leave::default()).is_none());
        type Change = fn(&mut Fingerprint);
        let of_map: [(Change, &str); 4] = [
            (|f| f.tag.push('x'), "tag"),
            (|f| f.count += 1, "10 items"),
            (|f| f.seed += 1, "seed"),
            (|f| f.items = None, "hashed"),
        ];
        for (change, word) in of_map {
            let mut other = mine();
            change(&mut other);
            let (why, instead) = mine().refuse(&other, allow(true, false)).expect("refused");
            assert!(why.contains(word) && instead.contains("any_map"), "{why}");
            assert!(mine().refuse(&other, allow(false, true)).is_none());
        }
        let other = Fingerprint {
            image: vec![8],
            ..mine()
        };
        let (why, instead) = mine().refuse(&other, allow(false, true)).expect("refused");
        assert!(why.contains("another build") && instead.contains("any_build"));
        assert!(mine().refuse(&other, allow(true, false)).is_none());
        let other = Fingerprint {
            output: "i8".to_owned(),
            ..mine()
        };
        assert!(mine().refuse(&other, allow(true, true)).is_some());
    }
}
