//! Which executable is it?

use std::fmt;

use super::ImageError;

/// What tells an executable from all others: the build id that the linker wrote, or a hash of the file where there is
/// none; and in both cases the length of the file, since a build id can be set by hand.
///
/// ```
/// use partools_os::image::{Identity, Image};
/// let identity = Image::this()?.identity();
/// let bytes = identity.to_bytes(); // for the other process
/// assert_eq!(Identity::from_bytes(&bytes)?, *identity);
/// assert!(Identity::from_bytes(&bytes[1..]).is_err());
/// # Ok::<(), partools_os::image::ImageError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    kind: Kind,
    file_bytes: u64,
    /// From 1 to 255 bytes.
    id: Box<[u8]>,
}

/// What the id is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// The linker's, from the note of type `NT_GNU_BUILD_ID`.
    BuildId = 1,
    /// XXH3 of the whole file, 128 bits. It tells builds apart; somebody who forges one is not what it guards against.
    Hash = 2,
}

impl Identity {
    pub(super) fn new(kind: Kind, file_bytes: u64, id: Vec<u8>) -> Identity {
        Identity {
            kind,
            file_bytes,
            id: id.into(),
        }
    }

    /// Whether this can be an id: something, and not too long for its length to be sent.
    pub(super) fn can_have(id: &[u8]) -> bool {
        (1..=usize::from(u8::MAX)).contains(&id.len())
    }

    /// For another process: the kind, the length of the file (8 bytes, little-endian), the length of the id, the id.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![self.kind as u8];
        bytes.extend(self.file_bytes.to_le_bytes());
        bytes.push(u8::try_from(self.id.len()).unwrap_or(u8::MAX));
        bytes.extend(&self.id);
        bytes
    }

    /// From what [`to_bytes`](Identity::to_bytes) has made.
    ///
    /// # Errors
    /// [`ImageError::NoIdentity`], when it has not.
    pub fn from_bytes(bytes: &[u8]) -> Result<Identity, ImageError> {
        let parse = || {
            let (&kind, rest) = bytes.split_first()?;
            let (length, rest) = rest.split_first_chunk::<8>()?;
            let (&id_length, id) = rest.split_first()?;
            let kind = match kind {
                1 => Kind::BuildId,
                2 => Kind::Hash,
                _ => return None,
            };
            let is_whole = id.len() == usize::from(id_length) && Identity::can_have(id);
            is_whole.then(|| Identity::new(kind, u64::from_le_bytes(*length), id.to_vec()))
        };
        parse().ok_or(ImageError::NoIdentity { len: bytes.len() })
    }
}

/// The id in hex, as `file` and `readelf -n` show it, with its kind and the length of the file.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::BuildId => "build id ",
            Kind::Hash => "xxh3 ",
        })?;
        for byte in &self.id {
            write!(f, "{byte:02x}")?;
        }
        write!(f, ", {} bytes", self.file_bytes)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Identity {
        Identity::new(Kind::BuildId, 1000, vec![0x0a, 0xff, 0x00])
    }

    #[test]
    fn it_survives_the_way_through_bytes() {
        for identity in [
            some(),
            Identity::new(Kind::Hash, u64::MAX, vec![7; 255]),
            Identity::new(Kind::Hash, 0, vec![7]),
        ] {
            assert_eq!(Identity::from_bytes(&identity.to_bytes()), Ok(identity));
        }
    }

    #[test]
    fn each_part_counts() {
        let others = [
            Identity::new(Kind::Hash, 1000, vec![0x0a, 0xff, 0x00]),
            Identity::new(Kind::BuildId, 1001, vec![0x0a, 0xff, 0x00]),
            Identity::new(Kind::BuildId, 1000, vec![0x0a, 0xff]),
            Identity::new(Kind::BuildId, 1000, vec![0x0a, 0xff, 0x01]),
        ];
        assert!(others.iter().all(|other| *other != some()));
    }

    #[test]
    fn it_is_shown_in_hex() {
        assert_eq!(some().to_string(), "build id 0aff00, 1000 bytes");
        assert_eq!(
            Identity::new(Kind::Hash, 5, vec![1]).to_string(),
            "xxh3 01, 5 bytes"
        );
    }

    #[test]
    fn damaged_bytes_are_no_identity() {
        let whole = some().to_bytes();
        for len in 0..whole.len() {
            assert_eq!(
                Identity::from_bytes(&whole[..len]),
                Err(ImageError::NoIdentity { len })
            );
        }
        let longer = [&whole[..], &[0]].concat();
        let unknown = [&[3], &whole[1..]].concat();
        let empty = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        for bytes in [&longer[..], &unknown, &empty] {
            assert!(Identity::from_bytes(bytes).is_err());
        }
    }
}
