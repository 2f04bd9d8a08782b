//! stub
use serde::{Serialize, Deserialize, de::DeserializeOwned};
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CodecError(String);
impl std::fmt::Display for CodecError { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(&self.0) } }
impl std::error::Error for CodecError {}
pub trait Portable: Serialize + DeserializeOwned + 'static {}
impl<T: Serialize + DeserializeOwned + 'static> Portable for T {}
pub struct Plain<T>(pub T);
pub struct PlainVec<T>(pub Vec<T>);
pub fn encode<'a, T: Portable>(value: &'a T, scratch: &'a mut Vec<u8>) -> Result<&'a [u8], CodecError> { *scratch = postcard::to_stdvec(value).map_err(|e| CodecError(e.to_string()))?; Ok(scratch) }
pub fn decode<T: Portable>(bytes: &[u8]) -> Result<T, CodecError> { postcard::from_bytes(bytes).map_err(|e| CodecError(e.to_string())) }
