//! Names for what closures return: the user's, else the columns' own, else `value`.

use crate::error::FrameError;
use arrow_array::ArrayRef;

pub(crate) fn named(
    arrays: Vec<ArrayRef>,
    own: Option<Vec<String>>,
    given: Option<&[String]>,
) -> Result<Vec<(String, ArrayRef)>, FrameError> {
    let names = match given {
        // No group returned any rows, so that nobody knows how many columns they would have had.
        Some(_) if arrays.is_empty() => Vec::new(),
        Some(given) if given.len() != arrays.len() => {
            return Err(FrameError::options(format!(
                "`named` was given {} names ({}), and the closure returns {} columns",
                given.len(),
                given.join(", "),
                arrays.len()
            )));
        }
        Some(given) => given.to_vec(),
        None => own.unwrap_or_else(|| match arrays.len() {
            1 => vec!["value".to_owned()],
            many => (0..many).map(|at| format!("value_{at}")).collect(),
        }),
    };
    Ok(names.into_iter().zip(arrays).collect())
}
