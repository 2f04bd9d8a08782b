//! What people see of a comparison: tables while it runs, a summary, a page, a section of a document.

mod figures;
mod markdown;
mod page;
mod progress;
mod table;

pub(crate) use markdown::{markdown, put_between_marks};
pub(crate) use page::page;
pub(crate) use progress::Progress;
pub(crate) use table::{summary, table, titled_table};
