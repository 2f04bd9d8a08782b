//! How a case fails: with a sentence, and the place of the check.

/// Fails the case with a formatted sentence where the condition does not hold.
macro_rules! ensure {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err(format!("{} ({}:{})", format_args!($($text)+), file!(), line!()));
        }
    };
}
pub(crate) use ensure;

/// Fails the case where two values differ, and shows both.
macro_rules! ensure_eq {
    ($left:expr, $right:expr, $($text:tt)+) => {{
        let (left, right) = (&$left, &$right);
        if left != right {
            return Err(format!(
                "{}: {left:?} where {right:?} was expected ({}:{})",
                format_args!($($text)+), file!(), line!(),
            ));
        }
    }};
}
pub(crate) use ensure_eq;

/// An error as text, for `?` in a case.
pub(crate) fn ok<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

/// The error of a map that has to fail, or a sentence that it did not.
pub(crate) fn err<T, E>(result: Result<T, E>) -> Result<E, String> {
    match result {
        Ok(_) => Err("the map succeeded where it had to fail".to_owned()),
        Err(error) => Ok(error),
    }
}
