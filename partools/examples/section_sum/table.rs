//! What was found, as a table.

use std::error::Error;
use std::time::Duration;

/// Ends the names of the rows whose added memory must be small whatever the array's size.
pub(crate) const SHARED: &str = ", SharedVec";
/// How small, in bytes for each worker, beside page tables.
const SMALL: u64 = 8_000_000;
/// An entry of 8 bytes for each page of 4096: what the page tables take that map an array once. The workers
/// together map a `SharedVec` once, each what it reads.
const BYTES_PER_PAGE_TABLE_BYTE: usize = 512;

pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) workers: usize,
    pub(crate) time: Duration,
    /// In bytes; `None` where the system does not tell.
    pub(crate) added: Option<u64>,
}

pub(crate) fn title(rows: usize, columns: usize, sections: usize) -> String {
    let megabytes = mega((rows * columns * size_of::<f64>()) as u64);
    let chunk = super::SECTIONS_PER_CHUNK;
    format!(
        "{rows} x {columns} numbers ({megabytes} MB), {sections} sections, summed in chunks of {chunk}\n"
    )
}

pub(crate) fn print(rows: &[Row], array: usize) {
    println!(
        "{:<18}{:>9}{:>12}{:>15}{:>12}{:>20}",
        "executor", "workers", "time, ms", "time / serial", "added, MB", "by copying, MB"
    );
    let serial = rows[0].time.as_secs_f64();
    for row in rows {
        let copied = if row.name == "serial" {
            0
        } else {
            row.workers * array
        };
        println!(
            "{:<18}{:>9}{:>12.1}{:>15.2}{:>12}{:>20}",
            row.name,
            row.workers,
            row.time.as_secs_f64() * 1e3,
            row.time.as_secs_f64() / serial,
            row.added.map_or("unknown".to_owned(), mega),
            mega(copied as u64),
        );
    }
    println!(
        "\nAll results are equal to the serial ones, bit for bit.\n\
         time: the median of several runs, from the call to the result; Fork makes its children in it, Ipc has its\n\
         workers already, and copies a plain Vec once for all of them.\n\
         added: the most memory that this process and its children had at once beyond what this process had\n\
         before (proportional set sizes and page tables), seen by a watching process every few milliseconds in\n\
         another run, in which workers rest for {} ms after each chunk.\n\
         by copying: what one copy of the array for each worker takes.\n\
         Page tables: beside a plain Vec every child has its own for all of the array, 2 MB for each GB; for a\n\
         SharedVec, only for what it reads.",
        super::REST
    );
}

/// Is the claim kept that workers beside a `SharedVec` add next to nothing?
pub(crate) fn check(rows: &[Row], array: usize) -> Result<(), Box<dyn Error>> {
    for row in rows.iter().filter(|row| row.name.ends_with(SHARED)) {
        let limit = SMALL * row.workers as u64 + (array / BYTES_PER_PAGE_TABLE_BYTE) as u64;
        if let Some(added) = row.added.filter(|&added| added > limit) {
            let (added, limit) = (mega(added), mega(limit));
            let name = &row.name;
            return Err(format!("{name}: {added} MB were added, where {limit} should do").into());
        }
    }
    Ok(())
}

fn mega(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}
