//! `#[shared_arg(..)]`: `crate = path` on the struct, `serialized` on a field.

use syn::{Attribute, Error, Path, Result, Token};

/// The path after `crate =`, where the struct has one.
pub(crate) fn named_crate(attributes: &[Attribute]) -> Result<Option<Path>> {
    let mut path = None;
    for attribute in ours(attributes) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("crate") {
                meta.input.parse::<Token![=]>()?;
                path = Some(Path::parse_mod_style(meta.input)?);
                return Ok(());
            }
            Err(meta.error(
                "a struct takes `#[shared_arg(crate = path)]`; `serialized` stands on a field",
            ))
        })?;
    }
    Ok(path)
}

/// Does the field go through serde?
pub(crate) fn serialized(attributes: &[Attribute]) -> Result<bool> {
    let mut serialized = false;
    for attribute in ours(attributes) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("serialized") {
                serialized = true;
                return Ok(());
            }
            Err(meta.error(
                "a field takes `#[shared_arg(serialized)]`; `crate = path` stands on the struct",
            ))
        })?;
    }
    Ok(serialized)
}

/// What stands on an enum's variants and the like is not looked for: they are refused whole.
fn ours(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("shared_arg"))
}

/// Errors of several fields, told at once.
pub(crate) fn all<T>(results: impl Iterator<Item = Result<T>>) -> Result<Vec<T>> {
    let (mut values, mut errors) = (Vec::new(), None::<Error>);
    for result in results {
        match (result, &mut errors) {
            (Ok(value), _) => values.push(value),
            (Err(error), Some(errors)) => errors.combine(error),
            (Err(error), none) => *none = Some(error),
        }
    }
    errors.map_or(Ok(values), Err)
}
