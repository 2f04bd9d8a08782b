//! Each way serde has of making the two halves of a type differ: the answer is an error that says so, or
//! the value as it was. Never another value.

use std::fmt::Debug;

use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::ser::{SerializeSeq, Serializer};
use serde::{Deserialize, Serialize};

use super::{Portable, decode, encode};

/// What the error says, wherever on the way it comes up.
#[track_caller]
fn refusal<T: Portable + Debug>(value: &T) -> String {
    match encode(value, &mut Vec::new()) {
        Err(error) => error.to_string(),
        Ok(bytes) => decode::<T>(bytes).unwrap_err().to_string(),
    }
}

#[track_caller]
fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

#[track_caller]
fn survives<T: Portable + PartialEq + Debug>(value: T) {
    assert_eq!(
        decode::<T>(encode(&value, &mut Vec::new()).unwrap()).unwrap(),
        value
    );
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(value: &u8) -> bool {
    *value == 0
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct SkipIf {
    #[serde(default, skip_serializing_if = "is_zero")]
    a: u8,
    b: String,
}

#[test]
fn a_field_skipped_at_run_time_is_refused() {
    // postcard reads a = 3, b = "\x02h" from the bytes of the second field.
    let text = refusal(&SkipIf {
        a: 0,
        b: "\x02hi".to_owned(),
    });
    assert_says(
        &text,
        &[
            "SkipIf` could not be sent",
            "field `a` of `SkipIf`",
            "skip_serializing_if",
            "remove",
        ],
    );
}

#[test]
fn the_same_struct_with_nothing_to_skip_survives() {
    survives(SkipIf {
        a: 1,
        b: "\x02hi".to_owned(),
    });
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum SkipInVariant {
    V {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        a: Option<u8>,
        b: Option<u8>,
    },
}

#[test]
fn a_field_skipped_in_a_variant_is_refused() {
    let text = refusal(&vec![SkipInVariant::V {
        a: None,
        b: Some(1),
    }]);
    assert_says(&text, &["SkipInVariant", "field `a` of `V`"]);
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct OneSided {
    #[serde(skip_serializing, default)]
    a: u8,
    b: String,
}

#[test]
fn a_field_only_ever_read_is_refused() {
    // "\x00": length 1, then 0; read as a = 1, b = "".
    assert_eq!(
        postcard::from_bytes::<OneSided>(b"\x01\x00").unwrap().a,
        1,
        "what is at stake"
    );
    for b in ["\0", "", "longer text", "\x01\x02"] {
        let text = refusal(&OneSided {
            a: 9,
            b: b.to_owned(),
        });
        assert_says(&text, &["OneSided` could not be read back"]);
    }
    assert_says(
        &refusal(&OneSided {
            a: 9,
            b: "\0".to_owned(),
        }),
        &["skip_serializing", "#[serde(skip)]"],
    );
}

#[derive(Serialize, Deserialize, Debug, PartialEq, Default)]
struct Crosswise {
    #[serde(skip_deserializing)]
    id: String,
    name: String,
    #[serde(skip_serializing, default)]
    password: String,
}

#[test]
fn fields_left_out_crosswise_are_refused_though_their_number_is_the_same() {
    let account = Crosswise {
        id: "1".into(),
        name: "me".into(),
        password: String::new(),
    };
    let swapped: Crosswise = postcard::from_bytes(&postcard::to_stdvec(&account).unwrap()).unwrap();
    assert_eq!(swapped.name, "1", "what is at stake");
    assert_says(&refusal(&vec![account]), &["Crosswise", "#[serde(skip)]"]);
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct SkippedOnBothSides {
    a: u8,
    #[serde(skip)]
    cache: Vec<u8>,
    b: String,
}

#[test]
fn a_field_skipped_on_both_sides_is_no_error() {
    survives(SkippedOnBothSides {
        a: 1,
        cache: vec![],
        b: "b".into(),
    });
}

#[derive(Serialize, Deserialize, Debug)]
struct Flat {
    a: u8,
    #[serde(flatten)]
    rest: SkippedOnBothSides,
}

#[test]
fn flatten_is_refused() {
    let rest = SkippedOnBothSides {
        a: 1,
        cache: vec![],
        b: "b".into(),
    };
    let text = refusal(&Some(Flat { a: 1, rest }));
    assert_says(
        &text,
        &["Flat>` could not be sent", "#[serde(flatten)]", "remove"],
    );
}

#[derive(Serialize, Deserialize, Debug)]
#[serde(untagged)]
enum Untagged {
    Number(u8),
    Text(String),
}

#[test]
fn untagged_is_refused() {
    let text = refusal(&Untagged::Text("x".into()));
    assert_says(
        &text,
        &[
            "Untagged` could not be read back",
            "#[serde(untagged)]",
            "remove",
        ],
    );
    refusal(&(Untagged::Number(1), 1_u8));
}

#[derive(Serialize, Deserialize, Debug)]
#[serde(tag = "kind")]
enum InternallyTagged {
    A { x: u8 },
    B { y: u8 },
}

#[test]
fn an_internal_tag_is_refused() {
    assert_says(
        &refusal(&InternallyTagged::A { x: 1 }),
        &["InternallyTagged", "#[serde(tag)]"],
    );
    refusal(&InternallyTagged::B { y: 1 });
}

/// Asks the bytes what they are, as `serde_json::Value` does.
#[derive(Debug)]
struct Dynamic;

impl Serialize for Dynamic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(1)
    }
}

impl<'de> Deserialize<'de> for Dynamic {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(de::IgnoredAny).map(|_| Self)
    }
}

#[derive(Serialize, Deserialize, Debug)]
struct Lenient {
    #[serde(deserialize_with = "dynamic_if_possible")]
    value: Option<Dynamic>,
    next: u8,
}

fn dynamic_if_possible<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Dynamic>, D::Error> {
    Ok(Dynamic::deserialize(d).ok())
}

#[test]
fn a_refusal_taken_lightly_is_still_one() {
    let text = refusal(&Lenient {
        value: None,
        next: 1,
    });
    assert_says(&text, &["Lenient", "ask the bytes"]);
}

#[test]
fn a_value_that_asks_what_it_is_gets_refused() {
    assert_says(
        &refusal(&Dynamic),
        &["Dynamic", "serde_json::Value", "String"],
    );
}

#[derive(Serialize, Deserialize, Debug)]
#[serde(tag = "kind", content = "of")]
enum AdjacentlyTagged {
    Unit,
    Number(u8),
}

#[test]
fn an_adjacent_tag_is_refused() {
    assert_says(
        &refusal(&AdjacentlyTagged::Number(1)),
        &["AdjacentlyTagged", "#[serde(tag)]"],
    );
    refusal(&vec![AdjacentlyTagged::Unit]);
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum Gap {
    A,
    #[serde(skip)]
    #[expect(dead_code, reason = "it only takes a place")]
    Skipped,
    C,
    D,
    #[serde(alias = "AA", alias = "Z")]
    E(u8),
}

#[test]
fn variants_after_a_skipped_one_are_not_mistaken() {
    let c: Gap = postcard::from_bytes(&postcard::to_stdvec(&Gap::C).unwrap()).unwrap();
    assert_eq!(c, Gap::D, "what is at stake");
    survives(vec![Gap::A, Gap::C, Gap::D, Gap::E(1), Gap::C]);
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Aliased {
    #[serde(alias = "one", alias = "uno")]
    a: u8,
    #[serde(rename = "two")]
    b: String,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
#[serde(try_from = "Aliased")]
struct Mirrored {
    a: u8,
    two: String,
}

impl From<Aliased> for Mirrored {
    fn from(raw: Aliased) -> Self {
        Self {
            a: raw.a,
            two: raw.b,
        }
    }
}

#[test]
fn aliases_renames_and_mirrors_survive() {
    survives(vec![Aliased {
        a: 1,
        b: "b".into(),
    }]);
    survives(Mirrored {
        a: 1,
        two: "b".into(),
    });
}

/// A sequence that says it has one element, writes as many as it holds, and reads as many as `READ`.
#[derive(Debug)]
struct Liar<const READ: usize>(Vec<u8>, Option<usize>);

impl<const READ: usize> Serialize for Liar<READ> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(self.1)?;
        self.0
            .iter()
            .try_for_each(|element| seq.serialize_element(element))?;
        seq.end()
    }
}

impl<'de, const READ: usize> Deserialize<'de> for Liar<READ> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Some<const READ: usize>;
        impl<'de, const READ: usize> Visitor<'de> for Some<READ> {
            type Value = Liar<READ>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("some bytes")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Liar<READ>, A::Error> {
                let read: Result<Vec<u8>, _> = (0..READ)
                    .filter_map(|_| seq.next_element().transpose())
                    .collect();
                read.map(|read| Liar(read, None))
            }
        }
        deserializer.deserialize_seq(Some::<READ>)
    }
}

#[test]
fn a_sequence_of_another_length_than_said_is_refused() {
    assert_says(
        &refusal(&Liar::<9>(vec![1, 2], Some(1))),
        &["said to have 1", "2 were gone through"],
    );
    assert_says(
        &refusal(&Liar::<9>(vec![], Some(1))),
        &["could not be sent"],
    );
    assert_says(
        &refusal(&Liar::<1>(vec![1, 2], Some(2))),
        &["could not be read", "2 elements, of which 1"],
    );
    assert_says(&refusal(&Liar::<2>(vec![1, 2], None)), &["unknown length"]);
}
