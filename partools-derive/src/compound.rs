//! What is derived for: a struct whose parts can lie in a segment, as far as that shows in its text. What
//! only types can tell (a `Vec`, an element that is not plain) is refused by the trait, at the field.

use crate::attribute;
use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    Data, DeriveInput, Error, Fields, GenericParam, Generics, Ident, Index, Lifetime, Member, Path,
    PathArguments, Result, Type, TypeParam, TypePath, TypeReference, WherePredicate, parse_quote,
};

/// A struct of shared arguments.
pub(crate) struct Compound {
    pub(crate) head: Head,
    pub(crate) fields: Vec<Field>,
}

/// What is known of a type before a look at its fields.
#[derive(Clone)]
pub(crate) struct Head {
    pub(crate) name: Ident,
    pub(crate) generics: Generics,
    /// The crate that generated code names.
    pub(crate) home: Path,
}

pub(crate) struct Field {
    pub(crate) member: Member,
    /// Its type; of a serialized one, what its reference points to.
    pub(crate) of: Type,
    pub(crate) serialized: bool,
}

impl Head {
    /// `home` is the crate's name where no attribute says another.
    pub(crate) fn read(input: &DeriveInput, home: &str) -> Self {
        let home = Ident::new(home, Span::call_site());
        Head {
            name: input.ident.clone(),
            generics: input.generics.clone(),
            home: parse_quote!(::#home),
        }
    }
}

impl Compound {
    pub(crate) fn read(mut head: Head, input: DeriveInput) -> Result<Self> {
        let fields = match input.data {
            Data::Struct(data) => data.fields,
            Data::Enum(data) => return Err(not_a_struct(data.enum_token.span)),
            Data::Union(data) => return Err(not_a_struct(data.union_token.span)),
        };
        if let Some(home) = attribute::named_crate(&input.attrs)? {
            head.home = home;
        }
        if let Some(second) = head.generics.lifetimes().nth(1) {
            return Err(Error::new_spanned(
                second,
                "a compound of shared arguments has one lifetime, since it is seen for one: give this \
                 reference the same lifetime as the others",
            ));
        }
        let fields = attribute::all(
            members(fields).map(|(member, field)| Field::read(member, field, &head.generics)),
        )?;
        attribute::all(
            head.generics
                .type_params()
                .map(|p| bounded(p, &head.generics)),
        )?;
        Ok(Compound { head, fields })
    }
}

/// A type parameter has bounds: without, each of its fields would be refused, with the advice to bound the field.
fn bounded(parameter: &TypeParam, generics: &Generics) -> Result<()> {
    let name = &parameter.ident;
    let elsewhere = generics
        .where_clause
        .iter()
        .flat_map(|bounds| &bounds.predicates);
    let bounds_it = |predicate: &WherePredicate| match predicate {
        WherePredicate::Type(bound) => *name == bound.bounded_ty.to_token_stream().to_string(),
        _ => false,
    };
    if parameter.bounds.is_empty() && !elsewhere.into_iter().any(bounds_it) {
        return Err(Error::new_spanned(
            name,
            format!(
                "what `{name}` is stands on the struct, and nothing is added to it: `{name}: bytemuck::Pod`, where \
                 fields are `&'a [{name}]` or `&'a {name}`; serde's traits, where they are `#[shared_arg(serialized)]`"
            ),
        ));
    }
    Ok(())
}

fn members(fields: Fields) -> impl Iterator<Item = (Member, syn::Field)> {
    fields.into_iter().enumerate().map(|(at, field)| {
        let member = match &field.ident {
            Some(name) => Member::Named(name.clone()),
            None => Member::Unnamed(Index::from(at)),
        };
        (member, field)
    })
}

fn not_a_struct(keyword: Span) -> Error {
    Error::new(
        keyword,
        "`SharedArg` is derived for structs: what lies in memory must be there whatever the value is. Share \
         the parts as a struct, or the whole as `Serialized(&value)`, of which each worker has a decoded copy",
    )
}

impl Field {
    fn read(member: Member, field: syn::Field, generics: &Generics) -> Result<Self> {
        let serialized = attribute::serialized(&field.attrs)?;
        let of = field.ty;
        if let Type::Reference(reference) = &of {
            refuse_reference(reference)?;
        }
        refuse_static(&of)?;
        if serialized {
            return Ok(Field {
                member,
                of: referent(of)?,
                serialized,
            });
        }
        refuse_owner(&of)?;
        if let Type::Path(path) = &of {
            if generics.params.iter().any(
                |p| matches!(p, GenericParam::Type(p) if path.qself.is_none() && path.path.is_ident(&p.ident)),
            ) {
                return Err(Error::new_spanned(
                    &of,
                    "a field of a type parameter's own type is seen as its view, which is of another type: take a \
                     reference to plain memory (`&'a T` with `T: Pod`), or share a tuple in place of the struct",
                ));
            }
            if path
                .path
                .segments
                .last()
                .is_some_and(|last| last.ident == "Serialized")
            {
                return Err(Error::new_spanned(
                    &of,
                    "a field is marked instead: `#[shared_arg(serialized)]` on a reference (`&'a HashMap<..>`), \
                     which is what the closure then sees",
                ));
            }
        }
        Ok(Field {
            member,
            of,
            serialized,
        })
    }
}

/// What a serialized field refers to.
fn referent(of: Type) -> Result<Type> {
    let refused = |of: &dyn ToTokens, why| Err(Error::new_spanned(of, why));
    match of {
        Type::Reference(TypeReference { elem, .. }) => match *elem {
            Type::Slice(_) => refused(
                &elem,
                "each worker decodes a value of its own, which a slice is not: `&'a Vec<..>`",
            ),
            Type::Path(ref path) if path.path.is_ident("str") => refused(
                &elem,
                "a `&str` lies in memory as it is: leave `#[shared_arg(serialized)]` out",
            ),
            _ => Ok(*elem),
        },
        _ => refused(
            &of,
            "what is serialized is borrowed by the compound: `&'a` before this type",
        ),
    }
}

fn refuse_reference(reference: &TypeReference) -> Result<()> {
    if reference.mutability.is_some() {
        return Err(Error::new_spanned(
            reference,
            "a shared argument is seen by all workers at once, so that nobody may change it: `&'a`, without `mut`. \
             What workers change is their own, made by `.state(..)`",
        ));
    }
    if reference.lifetime.is_none() {
        return Err(Error::new_spanned(
            reference,
            "a compound names the lifetime of what it borrows: `struct Name<'a>`, and `&'a` here",
        ));
    }
    Ok(())
}

/// Refuses the containers of the standard library by their names, by value or borrowed: the trait refuses them as
/// well, but in several errors and without the type that should stand there. (A type of one's own that has such a
/// name goes with a path before it: `self::Vec`.)
fn refuse_owner(of: &Type) -> Result<()> {
    let target = match of {
        Type::Reference(reference) => &*reference.elem,
        other => other,
    };
    let Type::Path(TypePath {
        qself: None, path, ..
    }) = target
    else {
        return Ok(());
    };
    let from_std = path.segments.first().is_some_and(|first| {
        path.segments.len() == 1 || ["std", "alloc"].iter().any(|name| first.ident == name)
    });
    let Some(last) = path.segments.last().filter(|_| from_std) else {
        return Ok(());
    };
    let element = match &last.arguments {
        PathArguments::AngleBracketed(arguments) => arguments.args.first().map(text),
        _ => None,
    };
    let name = last.ident.to_string();
    let instead = match name.as_str() {
        "Vec" | "VecDeque" => format!(
            "borrow a slice, `&'a [{}]`, where its elements are plain memory",
            element.unwrap_or_default()
        ),
        "String" => "borrow a text, `&'a str`".to_owned(),
        "Box" | "Rc" | "Arc" | "Cow" | "HashMap" | "HashSet" | "BTreeMap" | "BTreeSet" => {
            "borrow what it holds, where that is plain memory".to_owned()
        }
        _ => return Ok(()),
    };
    Err(Error::new_spanned(
        of,
        format!(
            "a `{name}` cannot lie in memory that another process maps: {instead}. Or mark the field \
             `#[shared_arg(serialized)]`, as a `&'a {}`: serde carries it, and each worker has a decoded copy of its own",
            text(target)
        ),
    ))
}

/// As it is written in a program: tokens alone have spaces between them.
fn text(tokens: &impl ToTokens) -> String {
    let mut text = tokens.to_token_stream().to_string();
    for mark in ["<", ">", "::", "&", "'"] {
        text = text.replace(&format!(" {mark}"), mark);
        if mark != ">" {
            text = text.replace(&format!("{mark} "), mark);
        }
    }
    text.replace(" ,", ",")
}

/// Finds `'static` anywhere in a field's type: the view has the map's lifetime in its place.
fn refuse_static(of: &Type) -> Result<()> {
    match find_static(of.to_token_stream()) {
        Some(lifetime) => Err(Error::new(
            lifetime.span(),
            "what the closure sees ends with the map, and in another process nothing is there for ever: \
             `struct Name<'a>`, and `'a` here",
        )),
        None => Ok(()),
    }
}

fn find_static(tokens: TokenStream) -> Option<Lifetime> {
    let mut quote = None;
    for token in tokens {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '\'' => quote = Some(punct.span()),
            TokenTree::Ident(name) => match quote.take() {
                Some(_) if name == "static" => return Some(Lifetime::new("'static", name.span())),
                _ => {}
            },
            TokenTree::Group(group) => {
                if let Some(found) = find_static(group.stream()) {
                    return Some(found);
                }
            }
            _ => {}
        }
    }
    None
}
