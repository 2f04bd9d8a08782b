//! As much of Python's literals as the header of an `.npy` file is made of.
//!
//! Text, whole numbers, `True` and `False`, tuples and lists, and one dictionary. The input may be anything: nesting is
//! limited, and what is not understood is `None`, never a panic.

/// A value. Text and numbers are kept as they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Literal {
    Text(String),
    Number(u64),
    Truth(bool),
    /// A tuple or a list.
    Row(Vec<Literal>),
}

/// Deeper than any type that NumPy writes, and far from what the stack holds.
const DEEPEST: usize = 32;

/// The pairs of a dictionary with text as keys, and nothing behind it but white space.
pub(super) fn dictionary(input: &[u8]) -> Option<Vec<(String, Literal)>> {
    let mut rest = Rest(input);
    rest.expect(b'{')?;
    let mut pairs = Vec::new();
    while !rest.take(b'}') {
        let Literal::Text(key) = rest.literal(0)? else {
            return None;
        };
        rest.expect(b':')?;
        pairs.push((key, rest.literal(0)?));
        if !rest.take(b',') {
            rest.expect(b'}')?;
            break;
        }
    }
    rest.skip_space();
    rest.0.is_empty().then_some(pairs)
}

/// What is not read yet.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn skip_space(&mut self) {
        self.0 = self.0.trim_ascii_start();
    }

    /// Takes `byte` if it is next, behind white space.
    fn take(&mut self, byte: u8) -> bool {
        self.skip_space();
        match self.0.split_first() {
            Some((first, behind)) if *first == byte => {
                self.0 = behind;
                true
            }
            _ => false,
        }
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.take(byte).then_some(())
    }

    fn literal(&mut self, depth: usize) -> Option<Literal> {
        self.skip_space();
        match self.0.first()? {
            b'\'' | b'"' => self.text(),
            b'0'..=b'9' => self.number(),
            b'(' => self.row(b'(', b')', depth),
            b'[' => self.row(b'[', b']', depth),
            _ => self.truth(),
        }
    }

    /// Up to the same quote. Escapes stand for themselves: no name of a type has one.
    fn text(&mut self) -> Option<Literal> {
        let (quote, behind) = self.0.split_first()?;
        let end = behind.iter().position(|byte| byte == quote)?;
        self.0 = &behind[end + 1..];
        Some(Literal::Text(
            String::from_utf8_lossy(&behind[..end]).into_owned(),
        ))
    }

    /// Digits; Python 2 wrote an `L` behind some.
    fn number(&mut self) -> Option<Literal> {
        let digits = self
            .0
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let (number, behind) = self.0.split_at(digits);
        self.0 = behind.strip_prefix(b"L").unwrap_or(behind);
        Some(Literal::Number(str::from_utf8(number).ok()?.parse().ok()?))
    }

    fn truth(&mut self) -> Option<Literal> {
        for (name, truth) in [(&b"True"[..], true), (b"False", false)] {
            if let Some(behind) = self.0.strip_prefix(name) {
                self.0 = behind;
                return Some(Literal::Truth(truth));
            }
        }
        None
    }

    fn row(&mut self, opening: u8, closing: u8, depth: usize) -> Option<Literal> {
        if depth == DEEPEST {
            return None;
        }
        self.expect(opening)?;
        let mut row = Vec::new();
        while !self.take(closing) {
            row.push(self.literal(depth + 1)?);
            if !self.take(b',') {
                self.expect(closing)?;
                break;
            }
        }
        Some(Literal::Row(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Option<Literal> {
        let pairs = dictionary(format!("{{'k': {text}}}").as_bytes())?;
        pairs.into_iter().next().map(|(_, value)| value)
    }

    #[test]
    fn values_are_what_python_means() {
        use Literal::{Number, Row, Text, Truth};
        assert_eq!(value("'<f8'"), Some(Text("<f8".into())));
        assert_eq!(value("\"it's\""), Some(Text("it's".into())));
        assert_eq!(value("True"), Some(Truth(true)));
        assert_eq!(value("()"), Some(Row(vec![])));
        assert_eq!(value("(3,)"), Some(Row(vec![Number(3)])));
        assert_eq!(value("( 3 , 4L )"), Some(Row(vec![Number(3), Number(4)])));
        assert_eq!(
            value("[('a', '<i4')]"),
            Some(Row(vec![Row(vec![Text("a".into()), Text("<i4".into())])]))
        );
    }

    #[test]
    fn a_comma_at_the_end_and_white_space_are_fine() {
        assert_eq!(
            dictionary(b" { 'a' : 1 , } \n").map(|pairs| pairs.len()),
            Some(1)
        );
        assert_eq!(dictionary(b"{}").map(|pairs| pairs.len()), Some(0));
    }

    #[test]
    fn what_is_no_dictionary_is_none() {
        for text in [
            "",
            "{",
            "{'a'}",
            "{'a':}",
            "{'a': 1",
            "{'a': 1} x",
            "{1: 2}",
            "{'a': nothing}",
            "{'a': -1}",
            "{'a' 1}",
            "{'a: 1}",
            "[1]",
            "{,}",
        ] {
            assert_eq!(dictionary(text.as_bytes()), None, "{text}");
        }
        assert_eq!(value("99999999999999999999999999"), None);
        assert_eq!(value(&"(".repeat(100_000)), None);
        assert_eq!(
            value(&format!("{}{}", "(".repeat(33), ")".repeat(33))),
            None
        );
    }
}
