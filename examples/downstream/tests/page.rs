//! The guide page cannot rot: what it shows stands in the files that are built and tested, and those are as short as it says.

use std::fs;
use std::path::Path;

/// The page, and the files that it shows pieces of, both from here.
const PAGE: &str = "../../docs/WRITE-AN-EXECUTOR.md";

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// Lines of code: all but blank lines and comments. `use` lines and closing braces count.
fn lines_of_code(path: &str) -> usize {
    let text = read(path);
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

#[test]
fn each_piece_of_code_on_the_page_stands_in_the_file_it_names() {
    let page = read(PAGE);
    let mut pieces = 0;
    for piece in page.split("<!-- from ").skip(1) {
        let (file, rest) = piece.split_once(" -->\n```rust\n").expect("a file, then its code");
        let (code, _) = rest.split_once("```").expect("the end of the code");
        let source = read(&format!("../../{file}"));
        assert!(source.contains(code), "{file} has no such piece any more:\n{code}");
        pieces += 1;
    }
    assert!(pieces >= 6, "{pieces} pieces");
    let shown = page.matches("```rust\n").count();
    assert_eq!(pieces, shown, "code on the page that is from nowhere");
}

#[test]
fn the_executors_are_as_short_as_the_page_says() {
    let (scoped, near, far) =
        (lines_of_code("src/scoped.rs"), lines_of_code("src/spool.rs"), lines_of_code("src/spool/worker.rs"));
    assert!(scoped < 20, "{scoped} lines");
    assert!(near + far < 125, "{near} + {far} lines");
    let page = read(PAGE);
    for (what, lines) in [("threads", scoped), ("directory", near), ("worker", far)] {
        let words = format!("{what}: {lines} lines");
        assert!(page.contains(&words), "the page does not say `{words}`");
    }
}
