//! What can go wrong at the border, in two forms: [`Fault`], one pointer wide and passed up through
//! every serde call, and [`CodecError`], which adds the type, is what users see, and crosses the border
//! itself inside an item's failure.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why an output could not cross the border.
///
/// Its text names the type, what happened, and what can be done about it.
///
/// ```
/// let error = partools_core::decode::<u64>(b"abc").unwrap_err();
/// assert_eq!(error.type_name(), "u64");
/// assert!(error.to_string().contains("3 bytes"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodecError {
    type_name: String,
    way: Way,
    what: String,
}

/// Which way the value was going.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Way {
    Encode,
    Decode,
}

impl CodecError {
    #[cold]
    pub(super) fn new<T>(way: Way, fault: &Fault) -> Self {
        Self {
            type_name: std::any::type_name::<T>().to_owned(),
            way,
            what: fault.to_string(),
        }
    }

    /// The type that could not cross, as [`std::any::type_name`] gives it.
    #[must_use]
    pub fn type_name(&self) -> &str {
        &self.type_name
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = match self.way {
            Way::Encode => "sent to another process",
            Way::Decode => "read back from another process",
        };
        write!(
            f,
            "a `{}` could not be {way}: {}",
            self.type_name, self.what
        )
    }
}

impl std::error::Error for CodecError {}

/// What happened, before the type is known. Boxed, so that `Result<(), Fault>` fits a register.
#[derive(Debug)]
pub(super) struct Fault(Box<Cause>);

#[derive(Debug)]
pub(super) enum Cause {
    /// `skip_field` was called.
    Skipped {
        owner: &'static str,
        field: &'static str,
    },
    /// A map or sequence did not say how long it is.
    Unsized,
    /// A map or sequence said one length and had another.
    Miscounted { said: usize, had: usize },
    /// The type asked the bytes what they are.
    SelfDescribing,
    /// The fields written are not the fields read.
    Reshaped,
    /// Bytes were left over.
    Trailing(usize),
    /// A plain type's bytes are not as many as they should be.
    Length {
        bytes: usize,
        size: usize,
        many: bool,
    },
    /// postcard's own errors.
    Postcard(postcard::Error),
    /// The type's own words.
    Custom(String),
}

impl From<Cause> for Fault {
    #[cold]
    fn from(cause: Cause) -> Self {
        Self(Box::new(cause))
    }
}

impl From<postcard::Error> for Fault {
    #[cold]
    fn from(error: postcard::Error) -> Self {
        Cause::Postcard(error).into()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ALIEN: &str = "these are not the bytes of such a value, whole and alone; \
                             decode exactly what `encode` gave for the same type, in the same build";
        match &*self.0 {
            Cause::Skipped { owner, field } => write!(
                f,
                "its field `{field}` of `{owner}` was left out (`skip_serializing_if`), and fields are told \
                 apart by their order here; remove the attribute, or return a type without it"
            ),
            Cause::Unsized => f.write_str(
                "it holds a map or sequence of unknown length, as `#[serde(flatten)]` makes one; \
                 remove the attribute, or return a type without it",
            ),
            Cause::Miscounted { said, had } => write!(
                f,
                "it holds a map or sequence said to have {said} elements, of which {had} were gone through; \
                 mend its `Serialize` or `Deserialize`, which was written by hand"
            ),
            Cause::SelfDescribing => f.write_str(
                "it has to ask the bytes what they are (`#[serde(untagged)]`, `#[serde(tag)]`, \
                 `serde_json::Value` and the like), and they do not say; remove the attribute, or return a \
                 type without it (a `serde_json::Value` can go as a `String`)",
            ),
            Cause::Reshaped => f.write_str(
                "the fields written are not the fields read, as with `skip_serializing` or \
                 `skip_deserializing` alone, or names that differ between the two; use \
                 `#[serde(skip)]`, which leaves a field out on both sides, or return a type without them",
            ),
            Cause::Trailing(count) => write!(f, "bytes were left over, {count} of them: {ALIEN}"),
            Cause::Length { bytes, size, many: false } => {
                write!(f, "there are {bytes} bytes where it has {size}: {ALIEN}")
            }
            Cause::Length { bytes, size, many: true } => {
                write!(f, "there are {bytes} bytes, and its elements have {size} each: {ALIEN}")
            }
            Cause::Postcard(error) => write!(f, "{error}: {ALIEN}"),
            Cause::Custom(text) => {
                write!(f, "{text} (the type's own `Serialize` or `Deserialize` says so)")
            }
        }
    }
}

impl std::error::Error for Fault {}

impl serde::ser::Error for Fault {
    #[cold]
    fn custom<T: fmt::Display>(text: T) -> Self {
        Cause::Custom(text.to_string()).into()
    }
}

impl serde::de::Error for Fault {
    #[cold]
    fn custom<T: fmt::Display>(text: T) -> Self {
        Cause::Custom(text.to_string()).into()
    }
}
