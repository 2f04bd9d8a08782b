//! The two columns that the bootstrap needs, grouped by carrier; and how they are shared with the workers.

use partools::SharedArg;
use partools_flights::Table;
use std::collections::BTreeMap;

/// Every carrier's code has so many letters.
const CODE: usize = 2;

/// The shared argument: slices of one table, which every worker sees and none copies.
#[derive(Clone, Copy, SharedArg)]
pub(crate) struct Flights<'a> {
    /// Arrival delays in minutes, those of the first carrier first; an early arrival is negative.
    delays: &'a [i16],
    /// Where each carrier's delays begin, and where the last one's end.
    starts: &'a [u32],
    /// The carriers' codes, one behind the other.
    carriers: &'a str,
}

impl<'a> Flights<'a> {
    pub(crate) fn carriers(self) -> usize {
        self.starts.len() - 1
    }

    pub(crate) fn code(self, carrier: usize) -> &'a str {
        &self.carriers[carrier * CODE..][..CODE]
    }

    pub(crate) fn delays(self, carrier: usize) -> &'a [i16] {
        &self.delays[self.starts[carrier] as usize..self.starts[carrier + 1] as usize]
    }
}

/// What owns the columns.
pub(crate) struct Grouped {
    delays: Vec<i16>,
    starts: Vec<u32>,
    carriers: String,
    /// How many flights of each carrier have no arrival delay.
    left_out: Vec<usize>,
}

impl Grouped {
    /// The flights by carrier, in the order of the codes, and within a carrier in that of the table.
    pub(crate) fn of(table: &Table) -> Result<Self, String> {
        let mut groups = BTreeMap::<&str, (Vec<i16>, usize)>::new();
        let rows = table
            .texts("carrier")
            .iter()
            .zip(table.numbers("arr_delay"));
        for (row, (carrier, delay)) in rows.enumerate() {
            let carrier = carrier
                .filter(|code| code.len() == CODE)
                .ok_or_else(|| format!("row {row}: {carrier:?} is no carrier's code"))?;
            let (delays, left_out) = groups.entry(carrier).or_default();
            match delay.map(i16::try_from) {
                Some(Ok(delay)) => delays.push(delay),
                Some(Err(_)) => return Err(format!("row {row}: a delay of {delay:?} minutes")),
                None => *left_out += 1,
            }
        }
        let mut grouped = Grouped {
            delays: Vec::with_capacity(table.rows()),
            starts: vec![0],
            carriers: String::new(),
            left_out: Vec::new(),
        };
        for (carrier, (delays, left_out)) in groups {
            if delays.is_empty() {
                return Err(format!("no flight of {carrier} arrived: there is no mean"));
            }
            grouped.delays.extend(delays);
            let end = u32::try_from(grouped.delays.len()).map_err(|error| error.to_string())?;
            grouped.starts.push(end);
            grouped.carriers.push_str(carrier);
            grouped.left_out.push(left_out);
        }
        Ok(grouped)
    }

    pub(crate) fn columns(&self) -> Flights<'_> {
        Flights {
            delays: &self.delays,
            starts: &self.starts,
            carriers: &self.carriers,
        }
    }

    /// How many flights have an arrival delay.
    pub(crate) fn arrived(&self) -> usize {
        self.delays.len()
    }

    /// How many flights of a carrier have none.
    pub(crate) fn left_out(&self, carrier: usize) -> usize {
        self.left_out[carrier]
    }
}
