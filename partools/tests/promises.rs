//! docs/PROMISES.md says which case tries which promise, on which executors, and who refuses and why. It is compared
//! with the suites' own lists of cases, so it cannot rot.
//!
//! `PARTOOLS_PROMISES=write cargo test -p partools --test promises` writes the tables anew.

use partools::{Fork, Ipc, Loopback, Rayon, Serial, Threads};
use partools_conformance::{Candidate, Case, Subject, cases};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

const BEGIN: &str = "<!-- table: written by partools/tests/promises.rs -->";
const END: &str = "<!-- end of table -->";

static POOL: LazyLock<ThreadPool> = LazyLock::new(|| {
    let pool = ThreadPoolBuilder::new().num_threads(1).build();
    pool.expect("a thread")
});

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A family of cases: a case, or those that differ by a number alone.
#[derive(Default)]
struct Family {
    count: usize,
    keep: Vec<&'static str>,
    /// Who refuses, and why.
    refuse: BTreeMap<String, Vec<&'static str>>,
}

/// By the order in which the suite lists them.
#[derive(Default)]
struct Table {
    order: Vec<String>,
    families: BTreeMap<String, Family>,
}

impl Table {
    fn enter<E: Candidate>(&mut self, name: &'static str, subject: Subject<E>) {
        for case in cases(subject) {
            let short = case.name().split_once("::").map_or("", |(_, rest)| rest);
            self.enter_case(name, family_of(short), &case);
        }
    }

    fn enter_case(&mut self, name: &'static str, family: String, case: &Case) {
        if !self.families.contains_key(&family) {
            self.order.push(family.clone());
        }
        let entry = self.families.entry(family).or_default();
        let list = match case.refusal() {
            None => &mut entry.keep,
            Some(why) => entry.refuse.entry(why.to_owned()).or_default(),
        };
        if list.last() != Some(&name) {
            list.push(name);
        }
        entry.count += usize::from(name == "serial");
    }

    fn text(&self, executors: usize) -> String {
        let mut text = String::from(
            "| promise | case | executors that keep it | executors that refuse, and why |\n|---|---|---|---|\n",
        );
        for family in &self.order {
            let Family {
                count,
                keep,
                refuse,
            } = &self.families[family];
            let (promise, case) = family.split_once("::").unwrap_or(("", family));
            let times = match count {
                1 => String::new(),
                n => format!(" ({n} cases)"),
            };
            let keep = match keep.len() {
                n if n == executors => "all".to_owned(),
                _ => keep.join(", "),
            };
            let refuse: Vec<String> = refuse
                .iter()
                .map(|(why, who)| format!("{}: {why}", who.join(", ")))
                .collect();
            text.push_str(&format!(
                "| {} | {}{times} | {keep} | {} |\n",
                promise_of(promise),
                case.replace('_', " "),
                refuse.join("; ")
            ));
        }
        text
    }
}

/// `c2_order` is C2.
fn promise_of(module: &str) -> String {
    match module
        .strip_prefix('c')
        .and_then(|rest| rest.split_once('_'))
    {
        Some((number, _)) if number.parse::<u32>().is_ok() => format!("C{number}"),
        _ => module.to_owned(),
    }
}

/// Cases that differ by a number alone are one family: `strings_of_1000` is one of `strings_of_N`.
fn family_of(case: &str) -> String {
    let mut words: Vec<&str> = case.split('_').collect();
    for word in &mut words {
        if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()) {
            *word = "N";
        }
    }
    words.join("_")
}

#[test]
fn the_table_of_promises_is_that_of_the_suite() {
    let mut table = Table::default();
    table.enter("serial", Subject::new("serial", |_| Serial));
    table.enter("loopback", Subject::new("loopback", |_| Loopback));
    table.enter(
        "threads",
        Subject::new("threads", |n| Threads::new().workers(n)),
    );
    table.enter("rayon", Subject::new("rayon", |_| Rayon::in_pool(&POOL)));
    table.enter("fork", Subject::new("fork", |n| Fork::new().workers(n)));
    table.enter("ipc", Subject::new("ipc", |n| Ipc::new().workers(n)));
    let wanted = table.text(6);

    let path = root().join("docs/PROMISES.md");
    let page = std::fs::read_to_string(&path).expect("docs/PROMISES.md");
    let (before, rest) = page.split_once(BEGIN).expect("the beginning of the table");
    let (found, after) = rest.split_once(END).expect("the end of the table");
    if std::env::var("PARTOOLS_PROMISES").is_ok_and(|order| order == "write") {
        let page = format!("{before}{BEGIN}\n{wanted}{END}{after}");
        std::fs::write(&path, page).expect("docs/PROMISES.md can be written");
        return;
    }
    for (line, (found, wanted)) in found.trim().lines().zip(wanted.lines()).enumerate() {
        assert_eq!(
            found, wanted,
            "line {line} of the table; see the head of this test"
        );
    }
    assert_eq!(found.trim(), wanted.trim(), "see the head of this test");
}

/// The last cell of the page's other tables names tests in backquotes, behind their file.
#[test]
fn every_test_that_the_page_names_exists() {
    let page = std::fs::read_to_string(root().join("docs/PROMISES.md")).expect("docs/PROMISES.md");
    let mut named = 0;
    for line in page.lines().filter(|line| line.starts_with('|')) {
        let last = line.trim_end_matches('|').rsplit('|').next().unwrap_or("");
        let quoted: Vec<&str> = last.split('`').skip(1).step_by(2).collect();
        let Some((file, tests)) = quoted.split_first().filter(|(file, _)| file.contains('/'))
        else {
            continue;
        };
        let source = std::fs::read_to_string(root().join(file));
        let source = source.unwrap_or_else(|why| panic!("{file}: {why}"));
        for test in tests {
            assert!(source.contains(test), "{file} has no {test}");
            named += 1;
        }
    }
    assert!(named > 30, "{named} tests are named");
}
