//! Every form of struct and of field, near and far: what the closure is handed is what was written, on an executor
//! that hands it over as it is and on one that takes it through a segment.

#![deny(warnings, clippy::pedantic)]

use partools_core::{Loopback, Serial, SharedArg, over};
use std::collections::BTreeMap;
use std::num::Wrapping;

/// Runs a closure over the one item 0 of a shared argument, near and far, and gives what both gave.
macro_rules! seen {
    ($shared:expr, |$view:ident| $seen:expr) => {{
        let near = over(0..1)
            .shared($shared)
            .map(|_, $view| $seen)
            .run(&Serial)
            .unwrap();
        let far = over(0..1)
            .shared($shared)
            .map(|_, $view| $seen)
            .run(&Loopback)
            .unwrap();
        assert_eq!(near, far);
        let far = over(0..1)
            .shared($shared)
            .map_cx(|_, cx| {
                let $view = &cx.shared;
                $seen
            })
            .run(&Loopback)
            .unwrap();
        assert_eq!(near, far);
        near.into_iter().next().unwrap()
    }};
}

#[test]
fn fields_of_every_kind_are_seen_as_they_are() {
    #[derive(SharedArg)]
    struct Inner<'a> {
        codes: &'a [u16],
        last: bool,
    }
    #[derive(SharedArg)]
    struct Table<'a> {
        delay: &'a [f64],
        rows: &'a [[u8; 3]],
        origin: &'a Wrapping<u64>,
        triple: &'a [f32; 3],
        names: &'a str,
        scale: f64,
        letter: char,
        inner: Inner<'a>,
        pair: (&'a [u8], (usize, &'a str)),
        #[shared_arg(serialized)]
        index: &'a BTreeMap<String, usize>,
        r#type: u8,
    }
    let index = BTreeMap::from([("pear".to_owned(), 4)]);
    let table = || Table {
        delay: &[1.5, 2.5],
        rows: &[[1, 2, 3]],
        origin: &Wrapping(2),
        triple: &[5.0, 6.0, 7.0],
        names: "häß",
        scale: 0.5,
        letter: 'ß',
        inner: Inner {
            codes: &[],
            last: true,
        },
        pair: (&[9], (8, "eight")),
        index: &index,
        r#type: 3,
    };
    let all = seen!(table(), |t| format!(
        "{:?} {:?} {} {:?} {} {} {} {:?} {} {:?} {} {}",
        t.delay,
        t.rows,
        t.origin,
        t.triple,
        t.names,
        t.scale,
        t.letter,
        t.inner.codes,
        t.inner.last,
        t.pair,
        t.index["pear"],
        t.r#type
    ));
    assert_eq!(
        all,
        "[1.5, 2.5] [[1, 2, 3]] 2 [5.0, 6.0, 7.0] häß 0.5 ß [] true ([9], (8, \"eight\")) 4 3"
    );
}

#[test]
fn structs_of_every_form_are_compounds() {
    #[derive(SharedArg)]
    struct Nothing;
    #[derive(SharedArg)]
    struct Empty {}
    #[derive(SharedArg)]
    struct Numbers(u8, f64);
    #[derive(SharedArg)]
    struct Slices<'a>(&'a [u8], #[shared_arg(serialized)] &'a Vec<String>);
    #[derive(SharedArg)]
    struct Nested<'a>(Nothing, Empty, Numbers, Slices<'a>);
    let texts = vec!["a".to_owned()];
    let nested = || Nested(Nothing, Empty {}, Numbers(1, 2.0), Slices(&[3], &texts));
    let sum = seen!(nested(), |n| {
        let (Nothing, Empty {}) = (&n.0, &n.1);
        f64::from(n.2.0) + n.2.1 + f64::from(n.3.0[0]) + f64::from(u8::from(n.3.1[0] == "a"))
    });
    assert_eq!(sum.to_bits(), 7.0_f64.to_bits());
}

#[test]
fn parameters_are_carried_with_their_bounds() {
    #[derive(SharedArg)]
    struct Grid<'a, T: bytemuck::Pod, V, const N: usize = 2>
    where
        V: serde::Serialize + serde::de::DeserializeOwned + 'static,
    {
        rows: &'a [[T; N]],
        #[shared_arg(serialized)]
        legend: &'a V,
    }
    let legend = ("m".to_owned(), 3_u8);
    let grid = || Grid {
        rows: &[[1_u32, 2], [3, 4]],
        legend: &legend,
    };
    assert_eq!(
        seen!(grid(), |g| format!("{:?} {:?}", g.rows, g.legend)),
        "[[1, 2], [3, 4]] (\"m\", 3)"
    );
}

/// What is private in a public struct stays so.
#[allow(unreachable_pub)]
mod public {
    use partools_core::SharedArg;

    #[derive(SharedArg)]
    struct Inner<'a> {
        values: &'a [u8],
    }
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Index(u8);

    /// Its parts have types that nobody sees.
    #[derive(SharedArg)]
    pub struct Outer<'a> {
        inner: Inner<'a>,
        #[shared_arg(serialized)]
        index: &'a Index,
    }
    impl Outer<'static> {
        pub fn new() -> Self {
            Outer {
                inner: Inner { values: &[1] },
                index: &Index(3),
            }
        }
    }
    impl Outer<'_> {
        pub fn sum(&self) -> u8 {
            self.inner.values[0] + self.index.0
        }
    }
}

#[test]
fn a_public_compound_has_private_parts() {
    assert_eq!(seen!(public::Outer::new(), |outer| outer.sum()), 4);
}

/// Names that the generated code uses itself mean nothing to it.
#[test]
fn names_of_the_users_do_not_reach_in() {
    #![allow(non_upper_case_globals, dead_code, non_camel_case_types)]
    const out: u8 = 1;
    const from: u8 = 2;
    const attached: u8 = 3;
    struct Result;
    struct Ok;
    #[derive(SharedArg)]
    struct Odd<'v> {
        out: &'v [u8],
        from: u8,
        attached: u8,
        view: &'v str,
    }
    let odd = || Odd {
        out: &[out],
        from,
        attached,
        view: "v",
    };
    assert_eq!(
        seen!(odd(), |o| (o.out[0], o.from, o.attached, o.view.to_owned())),
        (1, 2, 3, "v".to_owned())
    );
}

#[test]
fn slices_are_not_copied_on_the_way_to_the_closure() {
    #[derive(SharedArg)]
    struct Columns<'a> {
        values: &'a [f64],
        name: &'a str,
    }
    let (values, name) = (vec![1.0; 1000], "name".to_owned());
    let columns = Columns {
        values: &values,
        name: &name,
    };
    let near = over(0..1)
        .shared(columns)
        .map(|_, c| (c.values.as_ptr() as usize, c.name.as_ptr() as usize))
        .run(&Serial)
        .unwrap();
    assert_eq!(near, [(values.as_ptr() as usize, name.as_ptr() as usize)]);
}
