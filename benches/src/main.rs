//! `cargo run --release -p partools-bench -- compare`; see the library.

fn main() -> std::process::ExitCode {
    partools_bench::run(Vec::new())
}
