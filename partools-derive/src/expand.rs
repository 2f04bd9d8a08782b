//! The three impls, field by field. Each field's code has the span of its type, so that what the compiler
//! refuses is shown there.
//!
//! ```text
//! near   Shared::view      { field: view of it, .. }          values lent here
//!        SharedArg::lay    field after field                  one order for both sides
//! far    SharedArg::attach (what is kept of each field, ..)   a tuple: it needs no name
//!        SharedArg::view_of { field: view of what is kept, .. }
//! ```
//!
//! Lifetimes have names that nobody else gives; other locals have spans that see no local of the user's.

use crate::compound::{Compound, Field};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{GenericParam, Index, Lifetime, Path, parse_quote};

pub(crate) fn expand(compound: &Compound) -> TokenStream {
    let Compound {
        name,
        generics,
        home,
        fields,
    } = compound;
    let (view_lifetime, memory) = (lifetime("'partools_view"), lifetime("'partools_memory"));
    let (out, from, attached) = (local("out"), local("from"), local("attached"));
    let (impl_generics, of, bounds) = generics.split_for_impl();
    let mut lent = generics.clone();
    lent.params.insert(0, parse_quote!(#view_lifetime));
    let (lend_generics, ..) = lent.split_for_impl();
    let view = view_type(compound, &view_lifetime);

    let steps: Vec<Steps> = fields
        .iter()
        .enumerate()
        .map(|(at, field)| Steps {
            field,
            home,
            at: Index::from(at),
        })
        .collect();
    let lend = steps.iter().map(Steps::lend);
    let lay = steps.iter().map(|s| s.lay(&out));
    let kept: Vec<_> = steps.iter().map(|s| s.kept(&memory)).collect();
    // Spelled out in signatures too: as `Self::Attached` a field's error would be shown once more, at the derive.
    let kept = quote!((#(#kept)*));
    let attach = steps.iter().map(|s| s.attach(&from));
    let seen = steps.iter().map(|s| s.seen(&attached));

    quote! {
        #[automatically_derived]
        impl #lend_generics #home::LendView<#view_lifetime> for #name #of #bounds {
            type View = #view;
        }

        #[automatically_derived]
        impl #impl_generics #home::Shared for #name #of #bounds {
            #[inline]
            fn view<#view_lifetime>(&#view_lifetime self) -> #home::ViewOf<#view_lifetime, Self> {
                #name { #(#lend)* }
            }
        }

        #[automatically_derived]
        impl #impl_generics #home::SharedArg for #name #of #bounds {
            type Attached<#memory> = #kept;

            fn lay<#memory>(
                &#memory self,
                #out: &mut #home::Layout<#memory>,
            ) -> ::core::result::Result<(), #home::wire::WireError> {
                let _ = &#out;
                #(#lay)*
                ::core::result::Result::Ok(())
            }

            fn attach<#memory>(
                #from: &mut #home::Attach<#memory>,
            ) -> ::core::result::Result<#kept, #home::wire::WireError> {
                let _ = &#from;
                ::core::result::Result::Ok((#(#attach)*))
            }

            #[inline]
            fn view_of<#view_lifetime, #memory: #view_lifetime>(
                #attached: &#view_lifetime #kept,
            ) -> #home::ViewOf<#view_lifetime, Self>
            where
                Self: #view_lifetime,
            {
                let _ = #attached;
                #name { #(#seen)* }
            }
        }
    }
}

fn lifetime(name: &str) -> Lifetime {
    Lifetime::new(name, Span::call_site())
}

fn local(name: &str) -> Ident {
    format_ident!("{name}", span = Span::mixed_site())
}

/// The struct with another lifetime in place of its own.
fn view_type(compound: &Compound, view: &Lifetime) -> TokenStream {
    let name = &compound.name;
    let arguments = compound.generics.params.iter().map(|param| match param {
        GenericParam::Lifetime(_) => quote!(#view),
        GenericParam::Type(param) => {
            let name = &param.ident;
            quote!(#name)
        }
        GenericParam::Const(param) => {
            let name = &param.ident;
            quote!(#name)
        }
    });
    quote!(#name<#(#arguments),*>)
}

/// The code of one field.
struct Steps<'c> {
    field: &'c Field,
    home: &'c Path,
    /// Its place in the tuple of what is kept.
    at: Index,
}

impl Steps<'_> {
    fn span(&self) -> Span {
        self.field.of.span()
    }

    fn lend(&self) -> TokenStream {
        let (home, of, member) = (self.home, &self.field.of, &self.field.member);
        if self.field.serialized {
            quote_spanned!(self.span()=> #member: self.#member,)
        } else {
            quote_spanned!(self.span()=> #member: <#of as #home::Shared>::view(&self.#member),)
        }
    }

    fn lay(&self, out: &Ident) -> TokenStream {
        let (home, of, member) = (self.home, &self.field.of, &self.field.member);
        if self.field.serialized {
            quote_spanned!(self.span()=> #home::Layout::value::<#of>(#out, self.#member)?;)
        } else {
            quote_spanned!(self.span()=> <#of as #home::SharedArg>::lay(&self.#member, #out)?;)
        }
    }

    fn kept(&self, memory: &Lifetime) -> TokenStream {
        let (home, of) = (self.home, &self.field.of);
        if self.field.serialized {
            quote_spanned!(self.span()=> #of,)
        } else {
            quote_spanned!(self.span()=> <#of as #home::SharedArg>::Attached<#memory>,)
        }
    }

    fn attach(&self, from: &Ident) -> TokenStream {
        let (home, of) = (self.home, &self.field.of);
        if self.field.serialized {
            quote_spanned!(self.span()=> #home::Attach::value::<#of>(#from)?,)
        } else {
            quote_spanned!(self.span()=> <#of as #home::SharedArg>::attach(#from)?,)
        }
    }

    fn seen(&self, attached: &Ident) -> TokenStream {
        let (home, of, member, at) = (self.home, &self.field.of, &self.field.member, &self.at);
        if self.field.serialized {
            quote_spanned!(self.span()=> #member: &#attached.#at,)
        } else {
            quote_spanned!(self.span()=> #member: <#of as #home::SharedArg>::view_of(&#attached.#at),)
        }
    }
}
