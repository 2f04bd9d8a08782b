//! `#[derive(Record)]`: a struct of values as what a closure over groups returns, a column for each field.
//!
//! ```text
//! struct Fit { slope: f64, rows: u64 }   ->   Part = (f64, u64), which travels; columns "slope" and "rows"
//! ```

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Fields, Index, Path, Type};

/// What serde carries as one tuple.
const MOST: usize = 16;

/// The impl of `Output`, naming the crate `home`; or why the type can be no record.
pub(crate) fn expand(input: &DeriveInput, home: &Path) -> Result<TokenStream, Error> {
    let fields = fields(input)?;
    let name = &input.ident;
    let value = |of: &Type| quote_spanned!(of.span()=> <#of as #home::Value>);
    let stored = fields.iter().map(|(_, of)| {
        let value = value(of);
        quote!(#value::Stored)
    });
    let store = fields.iter().map(|(field, of)| {
        let value = value(of);
        quote!(#value::store(self.#field))
    });
    let columns: Vec<Ident> = (0..fields.len())
        .map(|at| format_ident!("__column_{at}"))
        .collect();
    let at = (0..fields.len()).map(Index::from);
    let arrays = fields.iter().zip(&columns).map(|((_, of), column)| {
        let value = value(of);
        quote!(#value::array(#column))
    });
    let names = fields.iter().map(|(field, _)| field.unraw().to_string());
    Ok(quote! {
        #[automatically_derived]
        impl #home::Output for #name {
            type Part = (#(#stored,)*);

            fn into_part(
                self,
            ) -> ::core::result::Result<::core::option::Option<Self::Part>, #home::GroupError> {
                ::core::result::Result::Ok(::core::option::Option::Some((#(#store,)*)))
            }

            fn columns(
                __parts: ::std::vec::Vec<Self::Part>,
            ) -> ::core::result::Result<#home::Columns, #home::Mismatch> {
                #(let mut #columns = ::std::vec::Vec::with_capacity(__parts.len());)*
                for __part in __parts {
                    #(#columns.push(__part.#at);)*
                }
                let __columns = #home::Columns::one_row(::std::vec![#(#arrays),*]);
                ::core::result::Result::Ok(__columns.with_names([#(#names),*]))
            }
        }
    })
}

fn fields(input: &DeriveInput) -> Result<Vec<(&Ident, &Type)>, Error> {
    let Data::Struct(data) = &input.data else {
        let why =
            "a record is a struct: its fields are the columns that a closure returns for a group";
        return Err(Error::new_spanned(&input.ident, why));
    };
    if let Some(parameter) = input.generics.params.first() {
        let why = "a record has no parameters: its fields are numbers, booleans, texts, or options of those";
        return Err(Error::new_spanned(parameter, why));
    }
    let Fields::Named(named) = &data.fields else {
        let why = "the fields of a record have names, which are those of the columns; without names, return a tuple";
        return Err(Error::new_spanned(&input.ident, why));
    };
    let fields: Vec<(&Ident, &Type)> = named
        .named
        .iter()
        .filter_map(|field| Some((field.ident.as_ref()?, &field.ty)))
        .collect();
    match fields.len() {
        0 => Err(Error::new_spanned(
            &input.ident,
            "a record has a field at least",
        )),
        1..=MOST => Ok(fields),
        many => {
            let why = format!(
                "a record has at most {MOST} fields, and this has {many}; return a `RecordBatch` of one row instead"
            );
            Err(Error::new_spanned(fields[MOST].0, why))
        }
    }
}
