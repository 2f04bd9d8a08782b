//! The flights are the known ones: facts published with them or computed outside this project from the file
//! itself (with exact fractions in Python).

use partools_flights::{COLUMNS, Kind, Table};
use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

static FLIGHTS: LazyLock<Table> = LazyLock::new(|| partools_flights::load().unwrap());

#[test]
fn every_column_has_every_row() {
    for (name, kind) in COLUMNS {
        let rows = match kind {
            Kind::Numbers => FLIGHTS.numbers(name).len(),
            Kind::Texts => FLIGHTS.texts(name).len(),
        };
        assert_eq!(rows, partools_flights::ROWS, "{name}");
    }
}

#[test]
fn six_columns_have_missing_values() {
    let missing = |&(name, kind): &(&'static str, Kind)| match kind {
        Kind::Numbers => (
            name,
            FLIGHTS.numbers(name).iter().filter(|x| x.is_none()).count(),
        ),
        Kind::Texts => (
            name,
            FLIGHTS.texts(name).iter().filter(|x| x.is_none()).count(),
        ),
    };
    let found: Vec<_> = COLUMNS
        .iter()
        .map(missing)
        .filter(|&(_, count)| count > 0)
        .collect();
    let expected = [
        ("dep_time", 8255),
        ("dep_delay", 8255),
        ("arr_time", 8713),
        ("arr_delay", 9430),
        ("tailnum", 2512),
        ("air_time", 9430),
    ];
    assert_eq!(found, expected);
}

#[test]
fn there_are_4043_aircraft_and_224_routes() {
    let aircraft: HashSet<_> = FLIGHTS.texts("tailnum").iter().flatten().collect();
    let (origins, destinations) = (FLIGHTS.texts("origin").iter(), FLIGHTS.texts("dest").iter());
    let routes: HashSet<_> = origins.zip(destinations).collect();
    assert_eq!((aircraft.len(), routes.len()), (4043, 224));
}

#[test]
fn each_carrier_has_its_known_flights_and_delays() {
    let mut carriers = BTreeMap::<&str, (usize, usize, i64)>::new();
    for (carrier, delay) in FLIGHTS
        .texts("carrier")
        .iter()
        .zip(FLIGHTS.numbers("arr_delay"))
    {
        let (flights, missing, minutes) = carriers.entry(carrier.unwrap()).or_default();
        *flights += 1;
        *missing += usize::from(delay.is_none());
        *minutes += i64::from(delay.unwrap_or(0));
    }
    // Carrier, flights, of them without an arrival delay, minutes of delay of the others together.
    let expected = [
        ("9E", (18460, 1166, 127_624)),
        ("AA", (32729, 782, 11_638)),
        ("AS", (714, 5, -7041)),
        ("B6", (54635, 586, 511_194)),
        ("DL", (48110, 452, 78_366)),
        ("EV", (54173, 3065, 807_324)),
        ("F9", (685, 4, 14_928)),
        ("FL", (3260, 85, 63_868)),
        ("HA", (342, 0, -2365)),
        ("MQ", (26397, 1360, 269_767)),
        ("OO", (32, 3, 346)),
        ("UA", (58665, 883, 205_589)),
        ("US", (20536, 705, 42_232)),
        ("VX", (5162, 46, 9027)),
        ("WN", (12275, 231, 116_214)),
        ("YV", (601, 57, 8463)),
    ];
    assert!(carriers.into_iter().eq(expected));
}

#[test]
fn the_last_row_is_the_file_s_last() {
    let last = partools_flights::ROWS - 1;
    assert_eq!(FLIGHTS.texts("tailnum").get(last), Some("N839MQ"));
    assert_eq!(
        FLIGHTS.texts("time_hour").get(last),
        Some("2013-09-30T12:00:00Z")
    );
    assert_eq!(FLIGHTS.numbers("minute")[last], Some(40));
}
