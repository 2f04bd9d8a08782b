//! Everything of the front door through the whole portable path: what is packed here is unpacked, called and answered
//! as it would be in another process.

use partools_core::{
    Cause, Failed, LendView, Loopback, Serial, Serialized, Shared, ViewOf, chunks, over, zip,
};
use std::collections::HashMap;

#[test]
fn items_of_every_kind_cross() {
    let numbers: Vec<f64> = (0..1000).map(f64::from).collect();
    let words: Vec<String> = (0..100).map(|i| "x".repeat(i)).collect();
    assert_eq!(
        over(&numbers).map(|x| x + 0.5).run(&Loopback).unwrap()[999],
        999.5
    );
    assert_eq!(
        over(numbers.as_slice())
            .map(|x| x + 0.5)
            .run(&Loopback)
            .unwrap()[7],
        7.5
    );
    assert_eq!(
        over(&words).map(|w| w.len()).run(&Loopback).unwrap()[42],
        42
    );
    assert_eq!(
        over(5..9).map(|i| i * i).run(&Loopback).unwrap(),
        [25, 36, 49, 64]
    );
    assert_eq!(
        over([1_u8, 2]).map(|x| x * 2).run(&Loopback).unwrap(),
        [2, 4]
    );
    let sums = over(chunks(&numbers, 300))
        .map(|c| c.iter().sum::<f64>())
        .run(&Loopback)
        .unwrap();
    assert_eq!(
        sums,
        over(chunks(&numbers, 300))
            .map(|c| c.iter().sum::<f64>())
            .run(&Serial)
            .unwrap()
    );
    let pairs = over(zip(&words, 10..200))
        .map(|(w, i)| w.len() + i)
        .run(&Loopback)
        .unwrap();
    assert_eq!(pairs[20], 50);
    let texts = over(chunks(&words, 7))
        .map(|c| c.concat())
        .run(&Loopback)
        .unwrap();
    assert_eq!(texts[1].len(), (7..14).sum::<usize>());
}

#[test]
fn state_seed_and_index_are_as_they_are_here() {
    use rand::RngExt;
    let job = over(0..50)
        .seed(9)
        .state(|worker| worker + 100)
        .map_cx(|i, cx| (i, cx.index, *cx.state, cx.rng().random::<u64>()));
    assert_eq!(job.run(&Loopback).unwrap(), job.run(&Serial).unwrap());
}

#[test]
fn shared_arguments_of_every_kind_cross() {
    let array = [1.5, 2.5];
    let prices = HashMap::from([("pear".to_owned(), 4)]);
    let named = over(0..2)
        .shared((array.as_slice(), "abc", Serialized(&prices), 7_u32))
        .map(|i, (array, text, prices, seven)| {
            format!("{} {text} {} {seven}", array[i], prices["pear"])
        })
        .run(&Loopback)
        .unwrap();
    assert_eq!(named, ["1.5 abc 4 7", "2.5 abc 4 7"]);
}

#[test]
fn the_first_error_is_the_users_own_or_its_text() {
    let words = ["1".to_owned(), "x".to_owned(), "y".to_owned()];
    let failed = over(&words)
        .map(|w| w.parse::<i32>())
        .run_ok_text(&Loopback)
        .unwrap_err();
    assert!(
        matches!(failed, Failed::Item { index: 1, ref error } if error.contains("invalid digit")),
        "{failed}"
    );
    let failed = over(&words)
        .map(|w| w.parse::<i32>().map_err(|e| e.to_string()))
        .run_ok(&Loopback)
        .unwrap_err();
    assert!(matches!(failed, Failed::Item { index: 1, .. }));
}

#[test]
fn an_item_that_cannot_be_read_fails_alone() {
    #[derive(Debug, serde::Serialize)]
    struct Odd(u32);
    impl<'de> serde::Deserialize<'de> for Odd {
        fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            let number = u32::deserialize(from)?;
            assert!(number != 8, "eight");
            match number % 3 {
                0 => Err(serde::de::Error::custom("three")),
                _ => Ok(Odd(number)),
            }
        }
    }
    let items: Vec<Odd> = (1..=10).map(Odd).collect();
    let results = over(&items).map(|odd| odd.0).try_run(&Loopback).unwrap();
    for (item, result) in items.iter().zip(results) {
        match (item.0, result) {
            (3 | 6 | 9, Err(error)) => {
                assert!(matches!(error.cause(), Cause::NotPortable(_)), "{error}")
            }
            (8, Err(error)) => assert!(error.to_string().contains("eight"), "{error}"),
            (number, Ok(output)) => assert_eq!(number, output),
            (number, Err(error)) => panic!("{number}: {error}"),
        }
    }
}

#[test]
fn a_compound_by_hand_crosses() {
    struct Model<'a> {
        weights: &'a [f64],
    }
    impl<'v> LendView<'v> for Model<'_> {
        type View = Model<'v>;
    }
    impl Shared for Model<'_> {
        fn view(&self) -> Model<'_> {
            Model {
                weights: self.weights,
            }
        }
    }
    impl partools_core::SharedArg for Model<'_> {
        type Attached<'m> = &'m [f64];
        fn lay<'m>(
            &'m self,
            out: &mut partools_core::Layout<'m>,
        ) -> Result<(), partools_core::wire::WireError> {
            out.slice(self.weights);
            Ok(())
        }
        fn attach<'m>(
            from: &mut partools_core::Attach<'m>,
        ) -> Result<&'m [f64], partools_core::wire::WireError> {
            from.slice()
        }
        fn view_of<'v, 'm: 'v>(attached: &'v &'m [f64]) -> ViewOf<'v, Self>
        where
            Self: 'v,
        {
            Model { weights: attached }
        }
    }
    let weights = vec![2.0, 3.0];
    let model = Model { weights: &weights };
    assert_eq!(
        over(0..2)
            .shared(model)
            .map(|i, m| m.weights[i])
            .run(&Loopback)
            .unwrap(),
        [2.0, 3.0]
    );
}
