//! The whole way, with few contenders and small workloads: processes, rounds, digests, records, files. And that the check
//! of a comparison finds what is wrong with one.

use partools_bench::{Comparison, Kind, Size, Status, Workload, catalogue, contenders, faults};
use std::path::Path;
use std::process::{Command, Output};

const WORKERS: usize = 2;

fn bench(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_partools-bench"))
        .args(words)
        .output()
        .expect("this build's own executable starts")
}

/// Two workloads, by four contenders, in a folder that is gone afterwards.
fn comparison(folder: &Path) -> Comparison {
    let file = folder.join("quick.json");
    let json = file.to_str().expect("a path in UTF-8");
    let words = [
        "compare",
        "--quick",
        "--rounds",
        "2",
        "--workers",
        "2",
        "--json",
        json,
    ];
    let only = [
        "--only",
        "noop/64",
        "--only",
        "cold",
        "--only",
        "threads",
        "--only",
        "fork",
        "--only",
        "thread::scope",
    ];
    let page = folder.join("page.html");
    let files = ["--html", page.to_str().expect("a path in UTF-8")];
    let output = bench(&[&words[..], &only, &files].concat());
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let written = std::fs::read_to_string(&page).expect("the page was written");
    assert!(
        written.contains("cold/first") && written.ends_with("</html>\n"),
        "{written}"
    );
    let text = std::fs::read_to_string(&file).expect("the JSON was written");
    serde_json::from_str(&text).expect("the JSON is that of a comparison")
}

/// What `--only` above leaves.
fn asked() -> Vec<Workload> {
    let mut workloads = catalogue(Size::Quick, WORKERS);
    workloads.retain(|workload| ["noop/64", "cold/first"].contains(&&*workload.name));
    workloads
}

#[test]
fn a_comparison_is_complete_and_sane_and_what_is_broken_in_it_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let comparison = comparison(folder.path());
    let (workloads, mut entries) = (asked(), contenders());
    entries.retain(|entry| {
        entry.kind == Kind::Reference
            || ["threads", "fork", "thread::scope"].contains(&&*entry.name)
    });
    assert_eq!(faults(&comparison, &workloads, &entries), [""; 0]);

    let found = |broken: Comparison| faults(&broken, &workloads, &entries);
    let fork = |broken: &Comparison| {
        let is = |r: &partools_bench::Record| r.who == "fork" && r.workload == "noop/64";
        broken
            .records
            .iter()
            .position(is)
            .expect("fork was measured")
    };

    let mut lost = comparison.clone();
    lost.records.remove(fork(&lost));
    assert_eq!(found(lost), ["noop/64, fork: 0 records instead of 1"]);

    let mut failed = comparison.clone();
    let at = fork(&failed);
    failed.records[at].status = Status::Failed;
    failed.records[at].reason = Some("it fell over".to_owned());
    let faults = found(failed);
    assert!(
        faults
            .iter()
            .any(|fault| fault.ends_with("Failed: it fell over")),
        "{faults:?}"
    );
    assert!(
        faults
            .iter()
            .any(|fault| fault.ends_with("figures of what was not measured")),
        "{faults:?}"
    );

    let mut other = comparison.clone();
    let at = fork(&other);
    other.records[at].digest = Some(1);
    assert!(found(other)[0].starts_with("noop/64: digests differ"));

    let mut unordered = comparison.clone();
    let at = fork(&unordered);
    unordered.records[at].min_s = Some(1000.0);
    assert!(found(unordered)[0].ends_with("are no spread"));

    let mut no_ratio = comparison;
    let at = fork(&no_ratio);
    no_ratio.records[at].ratio_to_ideal = None;
    assert!(found(no_ratio)[0].contains("a figure is missing"));
}

#[test]
fn a_word_that_is_in_no_name_is_refused_with_the_names() {
    let output = bench(&["compare", "--quick", "--only", "nobody"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(
        text.contains("--only nobody") && text.contains("skew") && text.contains("thread::scope"),
        "{text}"
    );
}
