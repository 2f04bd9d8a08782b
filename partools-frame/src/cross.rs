//! Record batches as bytes, to cross a process border: Arrow's own stream format, whole, without compression.

use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::ArrowError;
use partools_core::PlainVec;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(crate) fn to_bytes(batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
    let mut writer = StreamWriter::try_new(Vec::new(), batch.schema_ref())?;
    writer.write(batch)?;
    writer.finish()?;
    writer.into_inner()
}

pub(crate) fn from_bytes(bytes: &[u8]) -> Result<RecordBatch, ArrowError> {
    let mut reader = StreamReader::try_new(bytes, None)?;
    reader.next().ok_or_else(|| {
        ArrowError::IpcError("a stream without a batch where there is one".to_owned())
    })?
}

/// A batch that is an output: on threads it moves, across a border it goes as bytes.
#[derive(Debug, Clone)]
pub struct Rows(pub(crate) RecordBatch);

impl Serialize for Rows {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = to_bytes(&self.0).map_err(serde::ser::Error::custom)?;
        PlainVec(bytes).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes: PlainVec<u8> = PlainVec::deserialize(deserializer)?;
        from_bytes(&bytes.0)
            .map(Rows)
            .map_err(serde::de::Error::custom)
    }
}
