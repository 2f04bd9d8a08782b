//! What must not compile, and what the compiler says then. Each file of `refusals/` is a small program that is compiled
//! twice: with `--cfg refused` it must fail, with the sentence that its head names in what the compiler says; without,
//! it must compile and run. The lines under `cfg(refused)` are all that differ, so it is refused for the reason given.
//!
//! Only our own sentences are looked for, since the compiler's change with its version. `compile_fail` in documentation
//! would do with any error, a typing mistake too. To read what a newcomer reads:
//!
//! ```text
//! cargo test -p partools --test refusals -- --nocapture derive/vec
//! ```

use libtest_mimic::{Arguments, Failed, Trial};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::sync::Arc;
use std::{env, fs};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/refusals");
    let programs = programs(&cases);
    assert!(!programs.is_empty(), "no program in {}", cases.display());
    let twins = twins(&programs);
    let libraries = if arguments.list {
        Libraries::default()
    } else {
        Libraries::built()
    };
    let libraries = Arc::new(libraries);
    let mut trials = Vec::new();
    for program in programs {
        let libraries = Arc::clone(&libraries);
        let show = arguments.nocapture;
        trials.push(Trial::test(program.name.clone(), move || {
            program.is_refused(&libraries, show)
        }));
    }
    trials.push(Trial::test("every_twin_compiles_and_runs", move || {
        run_twins(&twins, &libraries)
    }));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A program, and what the compiler must say of it.
struct Program {
    name: String,
    path: PathBuf,
    sentences: Vec<String>,
}

/// All programs under `folder`, by name.
fn programs(folder: &Path) -> Vec<Program> {
    let mut programs = Vec::new();
    for room in entries(folder) {
        for path in entries(&room) {
            let of = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(&path).unwrap();
            let sentences: Vec<String> = text
                .lines()
                .filter_map(|line| line.strip_prefix("//! refused: "))
                .map(str::to_owned)
                .collect();
            assert!(
                !sentences.is_empty() && text.contains("(refused)"),
                "{} names no sentence (`//! refused: ..`), or no line depends on `refused`",
                path.display()
            );
            programs.push(Program {
                name: format!("{}/{}", of(&room), of(&path)),
                path,
                sentences,
            });
        }
    }
    programs
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
}

impl Program {
    fn is_refused(&self, libraries: &Libraries, show: bool) -> Result<(), Failed> {
        // As an object: a capturing closure is found where code is generated, and `cargo check` does not go there.
        let object = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(self.name.replace('/', "_"))
            .with_extension("o");
        let output = libraries.compile(&self.path, &["--cfg", "refused", "--emit=obj"], &object);
        let said = String::from_utf8_lossy(&output.stderr);
        if show {
            eprintln!("---- {}\n{said}", self.name);
        }
        if output.status.success() {
            return Err(format!("{} compiles", self.path.display()).into());
        }
        let plain = flat(&said);
        for sentence in &self.sentences {
            if !plain.contains(&flat(sentence)) {
                return Err(format!("nobody says {sentence:?}, but:\n{said}").into());
            }
        }
        Ok(())
    }
}

/// Without what the compiler adds where it breaks lines.
fn flat(text: &str) -> String {
    let words = text.split_whitespace().filter(|&word| word != "|");
    words.collect::<Vec<_>>().join(" ")
}

/// One program that is all the twins: to compile them one by one would take most of the time.
fn twins(programs: &[Program]) -> String {
    let (mut modules, mut calls) = (String::new(), String::new());
    for (at, program) in programs.iter().enumerate() {
        writeln!(modules, "#[path = {:?}] mod twin_{at};", program.path).unwrap();
        writeln!(calls, "    twin_{at}::main();").unwrap();
    }
    format!("{modules}fn main() {{\n{calls}}}\n")
}

fn run_twins(twins: &str, libraries: &Libraries) -> Result<(), Failed> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (source, program) = (folder.join("twins.rs"), folder.join("twins"));
    fs::write(&source, twins)?;
    for mut step in [
        libraries.compiler(&source, &["--emit=link"], &program),
        Command::new(&program),
    ] {
        let output = step.output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{}\n{said}", output.status).into());
        }
    }
    Ok(())
}

/// Where the libraries are that programs name.
#[derive(Default)]
struct Libraries {
    /// `name=path`.
    named: Vec<String>,
    /// What those depend on.
    folder: PathBuf,
}

impl Libraries {
    /// Asks cargo for them: they are there already, but only cargo knows under which names.
    fn built() -> Self {
        let output = Command::new(env::var_os("CARGO").expect("run by cargo"))
            .args([
                "build",
                "--offline",
                "--profile=test",
                "--lib",
                "--message-format=json",
            ])
            .args(["--package=partools", "--features=rayon"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("cargo runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "the libraries are not built: {said}"
        );
        let messages = String::from_utf8(output.stdout).expect("JSON");
        let paths = ["serde", "bytemuck", "partools_core", "partools"]
            .map(|name| (name, library(&messages, name)));
        Libraries {
            named: paths
                .iter()
                .map(|(name, path)| format!("{name}={}", path.display()))
                .collect(),
            folder: paths[0].1.with_file_name(""),
        }
    }

    fn compiler(&self, source: &Path, options: &[&str], out: &Path) -> Command {
        let mut compiler = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        compiler
            .args([
                "--edition=2024",
                "--crate-type=bin",
                "--crate-name=program",
                "-Copt-level=0",
            ])
            .args(["--color=never", "--diagnostic-width=100", "-Adead_code"])
            .args(options)
            .arg("-o")
            .arg(out)
            .arg(source)
            .arg("-L")
            .arg(format!("dependency={}", self.folder.display()));
        for named in &self.named {
            compiler.args(["--extern", named]);
        }
        compiler
    }

    fn compile(&self, source: &Path, options: &[&str], out: &Path) -> Output {
        self.compiler(source, options, out)
            .output()
            .expect("rustc runs")
    }
}

/// The library of the crate `name`, out of what cargo says that it made: one JSON object a line.
fn library(messages: &str, name: &str) -> PathBuf {
    let target = format!("\"kind\":[\"lib\"],\"crate_types\":[\"lib\"],\"name\":\"{name}\"");
    let found = messages
        .lines()
        .filter(|line| line.contains(&target))
        .flat_map(|line| line.split('"'))
        .find(|word| word.ends_with(".rlib"));
    PathBuf::from(found.unwrap_or_else(|| panic!("cargo names no library {name}:\n{messages}")))
}
