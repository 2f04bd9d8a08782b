//! The three impls, field by field. Each field's code has the span of its type, so that what the compiler
//! refuses is shown there.
//!
//! ```text
//! near   Shared::view        Name { field: view of it, .. }       values lent here
//!        SharedArg::lay      field after field                    one order for both sides
//! far    SharedArg::attach   Kept(what is kept of a field, ..)
//!        SharedArg::view_of  Name { field: view of what is kept, .. }
//! ```
//!
//! `Kept` is a struct inside a `const _`: as a tuple, the types of private fields would stand in a public interface.
//! Lifetimes and locals have names that nobody else gives (a constant of the user's would be seen through any span).

use crate::compound::{Compound, Field, Head};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{GenericParam, Generics, Index, Lifetime, Path, parse_quote};

/// The impls of a compound.
pub(crate) fn expand(compound: &Compound) -> TokenStream {
    let Head {
        name,
        generics,
        home,
    } = &compound.head;
    let Names { view, memory } = Names::new();
    let (kept, out, from, attached) = (
        local("__Kept"),
        local("__out"),
        local("__from"),
        local("__attached"),
    );
    let steps: Vec<Steps> = compound
        .fields
        .iter()
        .enumerate()
        .map(Steps::new(home))
        .collect();
    let lend = steps.iter().map(Steps::lend);
    let lay = steps.iter().map(|s| s.lay(&out));
    let types = steps.iter().map(|s| s.kept(&memory));
    let attach = steps.iter().map(|s| s.attach(&from));
    let seen = steps.iter().map(|s| s.seen(&attached));

    let (impl_generics, of, bounds) = generics.split_for_impl();
    let shared = shared(
        &compound.head,
        &viewed(name, generics, &view),
        &quote!(#name { #(#lend)* }),
    );
    let far = with_lifetime(generics, &memory);
    let (_, far_of, _) = far.split_for_impl();
    let parameters = parameters(&far);

    quote! {
        const _: () = {
            #shared

            #[allow(unreachable_pub)]
            pub struct #kept #far (
                #(#types)*
                ::core::marker::PhantomData<fn() -> (#(#parameters)*)>,
            ) #bounds;

            #[automatically_derived]
            impl #impl_generics #home::SharedArg for #name #of #bounds {
                type Attached<#memory> = #kept #far_of;

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
                ) -> ::core::result::Result<Self::Attached<#memory>, #home::wire::WireError> {
                    let _ = &#from;
                    ::core::result::Result::Ok(#kept(#(#attach)* ::core::marker::PhantomData))
                }

                #[inline]
                fn view_of<#view, #memory: #view>(
                    #attached: &#view Self::Attached<#memory>,
                ) -> #home::ViewOf<#view, Self>
                where
                    Self: #view,
                {
                    let _ = #attached;
                    #name { #(#seen)* }
                }
            }
        };
    }
}

/// Impls for what was refused, which only keep the rest of the program quiet: so that the error that was given
/// stands alone, and not before a dozen that follow from it.
pub(crate) fn quiet(head: &Head) -> TokenStream {
    let Head {
        name,
        generics,
        home,
    } = head;
    let Names { view, memory } = Names::new();
    let (impl_generics, of, bounds) = generics.split_for_impl();
    let shared = shared(head, &quote!(&#view Self), &quote!(self));
    quote! {
        const _: () = {
            #shared

            impl #impl_generics #home::SharedArg for #name #of #bounds {
                type Attached<#memory> = Self;
                fn lay<#memory>(
                    &#memory self,
                    _: &mut #home::Layout<#memory>,
                ) -> ::core::result::Result<(), #home::wire::WireError> {
                    ::core::unreachable!()
                }
                fn attach<#memory>(
                    _: &mut #home::Attach<#memory>,
                ) -> ::core::result::Result<Self, #home::wire::WireError> {
                    ::core::unreachable!()
                }
                fn view_of<#view, #memory: #view>(_: &#view Self) -> &#view Self
                where
                    Self: #view,
                {
                    ::core::unreachable!()
                }
            }
        };
    }
}

/// `LendView` and `Shared`.
fn shared(head: &Head, view_type: &TokenStream, view_value: &TokenStream) -> TokenStream {
    let Head {
        name,
        generics,
        home,
    } = head;
    let Names { view, .. } = Names::new();
    let (impl_generics, of, bounds) = generics.split_for_impl();
    let lent = with_lifetime(generics, &view);
    let (lend_generics, ..) = lent.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #lend_generics #home::LendView<#view> for #name #of #bounds {
            type View = #view_type;
        }

        #[automatically_derived]
        impl #impl_generics #home::Shared for #name #of #bounds {
            #[inline]
            fn view<#view>(&#view self) -> #home::ViewOf<#view, Self> {
                #view_value
            }
        }
    }
}

/// The lifetimes that generated code brings in.
struct Names {
    /// Of what the closure sees.
    view: Lifetime,
    /// Of what was attached.
    memory: Lifetime,
}

impl Names {
    fn new() -> Self {
        Names {
            view: Lifetime::new("'__view", Span::call_site()),
            memory: Lifetime::new("'__memory", Span::call_site()),
        }
    }
}

fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

fn with_lifetime(generics: &Generics, lifetime: &Lifetime) -> Generics {
    let mut generics = generics.clone();
    generics.params.insert(0, parse_quote!(#lifetime));
    generics
}

/// The struct with another lifetime in place of its own.
fn viewed(name: &Ident, generics: &Generics, view: &Lifetime) -> TokenStream {
    let arguments = generics.params.iter().map(|param| match param {
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

/// A type for each parameter, to be used in a struct that might not use it otherwise.
fn parameters(generics: &Generics) -> impl Iterator<Item = TokenStream> {
    generics.params.iter().map(|param| match param {
        GenericParam::Lifetime(param) => {
            let lifetime = &param.lifetime;
            quote!(&#lifetime (),)
        }
        GenericParam::Type(param) => {
            let name = &param.ident;
            quote!(::core::marker::PhantomData<#name>,)
        }
        GenericParam::Const(_) => TokenStream::new(),
    })
}

/// The code of one field.
struct Steps<'c> {
    field: &'c Field,
    home: &'c Path,
    /// Its place in `Kept`.
    at: Index,
}

impl<'c> Steps<'c> {
    fn new(home: &'c Path) -> impl Fn((usize, &'c Field)) -> Self {
        move |(at, field)| Steps {
            field,
            home,
            at: Index::from(at),
        }
    }

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
