//! What was found, as tables.

use crate::arguments::Arguments;
use crate::bootstrap::{DRAWS, interval, mean};
use crate::columns::Grouped;
use std::time::Duration;

/// What one executor took.
pub(crate) struct Time {
    pub(crate) executor: String,
    pub(crate) workers: usize,
    pub(crate) time: Duration,
}

pub(crate) fn title(grouped: &Grouped, arguments: &Arguments, items: usize) -> String {
    let carriers = grouped.columns().carriers();
    let left_out: usize = (0..carriers).map(|carrier| grouped.left_out(carrier)).sum();
    let flights = grouped.arrived() + left_out;
    format!(
        "{flights} flights of {carriers} carriers from New York City in 2013, of which {left_out} were cancelled or landed\n\
         elsewhere: they have no arrival delay, and are left out of the means. A negative delay is early.\n\
         {} resamples of each carrier, seed {}: {items} items of up to {DRAWS} draws\n",
        arguments.resamples, arguments.seed
    )
}

pub(crate) fn print_delays(grouped: &Grouped, means: &[Vec<f64>]) {
    let flights = grouped.columns();
    println!(
        "{:<9}{:>17}{:>22}{:>11}{:>11}",
        "carrier", "mean delay, min", "95 % interval", "flights", "left out"
    );
    let mut carriers: Vec<_> = (0..flights.carriers())
        .map(|carrier| (carrier, mean(flights.delays(carrier))))
        .collect();
    carriers.sort_by(|(_, one), (_, other)| one.total_cmp(other));
    for (carrier, mean) in carriers {
        let (low, high) = interval(&means[carrier]);
        let left_out = grouped.left_out(carrier);
        println!(
            "{:<9}{mean:>17.2}{low:>12.2} to {high:>6.2}{:>11}{left_out:>11}",
            flights.code(carrier),
            flights.delays(carrier).len() + left_out,
        );
    }
}

pub(crate) fn print_times(times: &[Time], means: &[Vec<f64>]) {
    println!(
        "\n{:<12}{:>9}{:>10}{:>15}",
        "executor", "workers", "time, s", "time / serial"
    );
    let serial = times.iter().find(|time| time.executor == "serial");
    for time in times {
        let ratio = serial.map(|serial| time.time.as_secs_f64() / serial.time.as_secs_f64());
        println!(
            "{:<12}{:>9}{:>10.2}{:>15}",
            time.executor,
            time.workers,
            time.time.as_secs_f64(),
            ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}")),
        );
    }
    let count: usize = means.iter().map(Vec::len).sum();
    if times.len() > 1 {
        println!("\nOn all of them, all {count} resampled means are equal to the last digit.");
    }
    println!(
        "\nFingerprint of the {count} resampled means: {:016x}. Every executor gives the same.",
        fingerprint(means)
    );
}

/// One number for all bits of all means in order (64-bit FNV-1a), by which two runs of this program compare.
fn fingerprint(means: &[Vec<f64>]) -> u64 {
    let bytes = means.iter().flatten().flat_map(|mean| mean.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
