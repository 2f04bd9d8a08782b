//! The table: columns by name, parsed from CSV text that has no quotes, and `NA` for what is missing.

use crate::texts::Texts;
use std::collections::HashMap;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Whole numbers, by [`Table::numbers`].
    Numbers,
    /// Texts, by [`Table::texts`]. `time_hour` is one: `2013-01-01T10:00:00Z`.
    Texts,
}

/// The names of the columns, in their order, and what each holds.
///
/// `dep_time`, `arr_time` and their `sched_` counterparts are local times, 517 being 5:17; delays and
/// `air_time` are minutes (a negative delay is early), `distance` is miles.
pub const COLUMNS: [(&str, Kind); 19] = [
    ("year", Kind::Numbers),
    ("month", Kind::Numbers),
    ("day", Kind::Numbers),
    ("dep_time", Kind::Numbers),
    ("sched_dep_time", Kind::Numbers),
    ("dep_delay", Kind::Numbers),
    ("arr_time", Kind::Numbers),
    ("sched_arr_time", Kind::Numbers),
    ("arr_delay", Kind::Numbers),
    ("carrier", Kind::Texts),
    ("flight", Kind::Numbers),
    ("tailnum", Kind::Texts),
    ("origin", Kind::Texts),
    ("dest", Kind::Texts),
    ("air_time", Kind::Numbers),
    ("distance", Kind::Numbers),
    ("hour", Kind::Numbers),
    ("minute", Kind::Numbers),
    ("time_hour", Kind::Texts),
];

/// What the file writes for a missing value.
const MISSING: &str = "NA";

/// The flights, by column.
#[derive(Debug, Clone)]
pub struct Table {
    rows: usize,
    columns: HashMap<&'static str, Column>,
}

#[derive(Debug, Clone)]
enum Column {
    Numbers(Vec<Option<i32>>),
    Texts(Texts),
}

impl Table {
    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// A column of numbers, `None` where one is missing.
    ///
    /// # Panics
    /// Where no column of numbers has this name; [`COLUMNS`] lists them.
    #[must_use]
    pub fn numbers(&self, name: &str) -> &[Option<i32>] {
        match self.columns.get(name) {
            Some(Column::Numbers(numbers)) => numbers,
            Some(Column::Texts(_)) => panic!("the column {name:?} of the flights holds texts"),
            None => panic!("the flights have no column {name:?}"),
        }
    }

    /// A column of texts.
    ///
    /// # Panics
    /// Where no column of texts has this name; [`COLUMNS`] lists them.
    #[must_use]
    pub fn texts(&self, name: &str) -> &Texts {
        match self.columns.get(name) {
            Some(Column::Texts(texts)) => texts,
            Some(Column::Numbers(_)) => panic!("the column {name:?} of the flights holds numbers"),
            None => panic!("the flights have no column {name:?}"),
        }
    }

    /// The table in `text`, or what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.lines();
        let header = lines.next().unwrap_or_default();
        if !header.split(',').eq(COLUMNS.iter().map(|(name, _)| *name)) {
            return Err(format!("its header is {header:?}"));
        }
        let mut columns = COLUMNS.map(|(_, kind)| match kind {
            Kind::Numbers => Column::Numbers(Vec::with_capacity(crate::ROWS)),
            Kind::Texts => Column::Texts(Texts::default()),
        });
        let mut rows = 0;
        for line in lines {
            rows += 1;
            // The header is line 1.
            push(&mut columns, line).map_err(|why| format!("line {}: {why}", rows + 1))?;
        }
        let names = COLUMNS.iter().map(|(name, _)| *name);
        Ok(Table {
            rows,
            columns: names.zip(columns).collect(),
        })
    }
}

/// Appends one row.
fn push(columns: &mut [Column], line: &str) -> Result<(), String> {
    let mut fields = line.split(',');
    for (column, (name, _)) in columns.iter_mut().zip(COLUMNS) {
        let field = match fields.next() {
            Some("") => return Err(format!("nothing stands in the column {name}")),
            Some(field) => Some(field).filter(|&field| field != MISSING),
            None => return Err(format!("it ends before the column {name}")),
        };
        match column {
            Column::Texts(texts) => texts.push(field),
            Column::Numbers(numbers) => {
                let number = field.map(str::parse).transpose();
                let wrong = |_| {
                    format!(
                        "{:?} in the column {name} is no number",
                        field.unwrap_or_default()
                    )
                };
                numbers.push(number.map_err(wrong)?);
            }
        }
    }
    match fields.next() {
        Some(field) => Err(format!("{field:?} stands behind its last column")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,\
                          carrier,flight,tailnum,origin,dest,air_time,distance,hour,minute,time_hour";
    const ROW: &str =
        "2013,9,30,NA,840,NA,NA,1020,NA,MQ,3531,NA,LGA,RDU,NA,431,8,40,2013-09-30T12:00:00Z";

    fn error(rows: &str) -> String {
        Table::parse(&format!("{HEADER}\n{rows}")).unwrap_err()
    }

    #[test]
    fn na_is_a_missing_number_or_text() {
        let table = Table::parse(&format!("{HEADER}\n{ROW}\n")).unwrap();
        assert_eq!(table.rows(), 1);
        assert_eq!(table.numbers("arr_delay"), [None]);
        assert_eq!(table.numbers("flight"), [Some(3531)]);
        assert!(table.texts("tailnum").iter().eq([None]));
        assert!(
            table
                .texts("time_hour")
                .iter()
                .eq([Some("2013-09-30T12:00:00Z")])
        );
    }

    #[test]
    fn another_header_is_named() {
        assert_eq!(
            Table::parse("a,b\n1,2\n").unwrap_err(),
            r#"its header is "a,b""#
        );
    }

    #[test]
    fn a_wrong_row_is_named_by_its_line() {
        let early = &ROW[..ROW.len() - ",2013-09-30T12:00:00Z".len()];
        assert_eq!(error(early), "line 2: it ends before the column time_hour");
        assert_eq!(
            error(&format!("{ROW},7")),
            r#"line 2: "7" stands behind its last column"#
        );
        let text = format!("{ROW}\n{}", ROW.replace("3531", "x"));
        assert_eq!(
            error(&text),
            r#"line 3: "x" in the column flight is no number"#
        );
        let empty = ROW.replace("MQ", "");
        assert_eq!(
            error(&empty),
            "line 2: nothing stands in the column carrier"
        );
    }
}
