//! `#[derive(SharedArg)]`: a struct of shared arguments is one too. Use it through `partools` or
//! `partools-core` (feature `derive`), which have it under the name of the trait. And `#[derive(Record)]`, for frames.
//!
//! ```text
//! compound.rs    what the struct is, or why it cannot be a compound: every error is made here
//! attribute.rs   `#[shared_arg(..)]` on a struct or a field
//! expand.rs      LendView, Shared and SharedArg, field by field
//! record.rs      `#[derive(Record)]` of partools-frame: what a closure over groups returns
//! ```
//!
//! The generated code is safe code that names one crate, so nothing but that crate has to be a dependency.
//! Which crate it is follows from where the macro was imported from, without a look at `Cargo.toml`: there
//! is one macro for each.

use proc_macro::TokenStream;

mod attribute;
mod compound;
mod expand;
mod record;

use compound::{Compound, Head};
use syn::DeriveInput;

/// Makes a struct of shared arguments a shared argument: several arrays under their names, seen by every
/// worker, copied by none.
///
/// ```
/// use partools_core::{Loopback, Serial, SharedArg, over};
///
/// #[derive(SharedArg)]
/// struct Columns<'a> {
///     delay: &'a [f64],
///     carrier: &'a [u16],
///     names: &'a str,
///     scale: f64,
/// }
///
/// let (delay, carrier) = (vec![4.0, -2.0, 7.0], vec![1, 0, 1]);
/// let columns = Columns { delay: &delay, carrier: &carrier, names: "UA,AA", scale: 0.5 };
/// let job = over(0..3).shared(columns).map(|i, columns| {
///     let name = columns.names.split(',').nth(columns.carrier[i].into()).expect("a carrier");
///     format!("{name} {}", columns.delay[i] * columns.scale)
/// });
/// assert_eq!(job.run(&Serial)?, ["AA 2", "UA -1", "AA 3.5"]);
/// assert_eq!(job.run(&Loopback)?, job.run(&Serial)?);
/// # Ok::<(), partools_core::Error>(())
/// ```
///
/// Slices lie where they are, or in a segment that workers elsewhere map. The closure is handed the struct itself,
/// with a lifetime that ends with the map.
///
/// Compounds in compounds, and a dictionary:
///
/// ```
/// use partools_core::{Loopback, SharedArg, over};
/// use std::collections::HashMap;
///
/// #[derive(SharedArg)]
/// struct Table<'a> {
///     origin: Point,
///     rows: &'a [[f64; 2]],
///     #[shared_arg(serialized)]
///     index: &'a HashMap<String, usize>,
/// }
///
/// #[derive(SharedArg)]
/// struct Point(f64, f64);
///
/// let index = HashMap::from([("north".to_owned(), 1)]);
/// let table = Table { origin: Point(1.0, 1.0), rows: &[[1.0, 2.0], [3.0, 4.0]], index: &index };
/// let names = ["north".to_owned()];
/// let found = over(&names).shared(table).map(|name, table| table.rows[table.index[name]][0] - table.origin.0);
/// assert_eq!(found.run(&Loopback)?, [2.0]);
/// # Ok::<(), partools_core::Error>(())
/// ```
///
/// Under another name:
///
/// ```
/// # extern crate partools_core as parallel;
/// #[derive(parallel::SharedArg)]
/// #[shared_arg(crate = parallel)]
/// struct Columns<'a> {
///     delay: &'a [f64],
/// }
/// # let _ = parallel::over(0..1).shared(Columns { delay: &[] }).map(|_, columns| columns.delay.len());
/// ```
///
#[doc = include_str!("fields.md")]
#[proc_macro_derive(SharedArg, attributes(shared_arg))]
pub fn shared_arg(input: TokenStream) -> TokenStream {
    derive(input, "partools_core")
}

/// As `SharedArg`, for whoever imports it from `partools`: the generated code names that crate.
///
#[doc = include_str!("fields.md")]
#[proc_macro_derive(SharedArgByPartools, attributes(shared_arg))]
pub fn shared_arg_by_partools(input: TokenStream) -> TokenStream {
    derive(input, "partools")
}

fn derive(input: TokenStream, home: &str) -> TokenStream {
    let input: DeriveInput = match syn::parse(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error().into(),
    };
    let head = Head::read(&input, home);
    match Compound::read(head.clone(), input) {
        Ok(compound) => expand::expand(&compound).into(),
        Err(error) => {
            let (error, quiet) = (error.into_compile_error(), expand::quiet(&head));
            quote::quote!(#error #quiet).into()
        }
    }
}

/// Makes a struct of values what a closure over a group may return: a row, with a column for each field under its name.
///
/// Use it through `partools-frame`, whose `Record` it is; see `Output` there.
#[proc_macro_derive(Record)]
pub fn record(input: TokenStream) -> TokenStream {
    derive_record(input, &syn::parse_quote!(::partools_frame))
}

/// As `Record`, for whoever imports it from `partools`: the generated code names that crate.
#[proc_macro_derive(RecordByPartools)]
pub fn record_by_partools(input: TokenStream) -> TokenStream {
    derive_record(input, &syn::parse_quote!(::partools::frame))
}

fn derive_record(input: TokenStream, home: &syn::Path) -> TokenStream {
    let expanded = syn::parse(input).and_then(|input| record::expand(&input, home));
    expanded
        .unwrap_or_else(|error| error.into_compile_error())
        .into()
}
