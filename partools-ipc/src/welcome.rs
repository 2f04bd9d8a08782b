//! What a worker is told when it begins: of which executable it must be, and how it is to live.

use crate::setup::Call;
use partools_core::wire::{FrameReader, FrameWriter, WireError};
use partools_os::image::{Identity, ImageError};
use std::fmt;
use std::time::Duration;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Welcome {
    pub(crate) identity: Identity,
    /// It ends when nobody asked for anything for so long.
    pub(crate) idle: Option<Duration>,
    /// What it calls before it serves.
    pub(crate) setup: Option<Call>,
    /// What it gives up before it serves; empty for nothing.
    pub(crate) harden: Vec<u8>,
}

impl Welcome {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, WireError> {
        let mut out = FrameWriter::new();
        out.bytes(&self.identity.to_bytes());
        out.value(&self.idle)?;
        out.value(&self.setup.as_ref().map(|setup| setup.entry))?;
        out.bytes(self.setup.as_ref().map_or(&[], |setup| &setup.head));
        out.bytes(&self.harden);
        Ok(out.as_bytes().to_vec())
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Welcome, Unwelcome> {
        let mut from = FrameReader::new(bytes);
        let identity = Identity::from_bytes(from.bytes()).map_err(Unwelcome::Identity)?;
        let damaged = |why| Unwelcome::Damaged(WireError::from(why));
        let idle = from.value().map_err(damaged)?;
        let entry: Option<u64> = from.value().map_err(damaged)?;
        let head = from.bytes().to_vec();
        let harden = from.bytes().to_vec();
        from.check().map_err(Unwelcome::Damaged)?;
        let setup = entry.map(|entry| Call { entry, head });
        Ok(Welcome {
            identity,
            idle,
            setup,
            harden,
        })
    }

    /// Does it do anything between its hello and the first map?
    pub(crate) fn has_setup(&self) -> bool {
        self.setup.is_some() || !self.harden.is_empty()
    }
}

/// What is wrong with a welcome.
#[derive(Debug)]
pub(crate) enum Unwelcome {
    Identity(ImageError),
    Damaged(WireError),
}

impl fmt::Display for Unwelcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unwelcome::Identity(why) => why.fmt(f),
            Unwelcome::Damaged(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for Unwelcome {}

#[cfg(test)]
mod tests {
    use super::*;
    use partools_os::image::Image;

    #[test]
    fn a_welcome_survives_its_journey_and_a_part_of_it_is_none() {
        for idle in [None, Some(Duration::from_millis(1500))] {
            let identity = Image::this().unwrap().identity().clone();
            let setup = idle.map(|_| Call {
                entry: 0x1234,
                head: vec![1, 2, 3],
            });
            let welcome = Welcome {
                identity,
                idle,
                setup,
                harden: vec![7; 3],
            };
            let bytes = welcome.to_bytes().unwrap();
            assert_eq!(Welcome::from_bytes(&bytes).unwrap(), welcome);
            for cut in 0..bytes.len() {
                assert!(Welcome::from_bytes(&bytes[..cut]).is_err(), "cut at {cut}");
            }
        }
    }
}
