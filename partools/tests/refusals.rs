//! What must not compile, and what the compiler says then. Each file of `refusals/` is a small program that is compiled
//! twice: with `--cfg refused` it must fail, with the sentences that its head names in what the compiler says; without,
//! it must compile and run. The lines under `cfg(refused)` are all that differ, so it is refused for the reason given.
//!
//! Only our own sentences are looked for, since the compiler's change with its version. `compile_fail` in documentation
//! would do with any error, a typing mistake too. To read what a newcomer reads:
//!
//! ```text
//! cargo test -p partools --test refusals -- --nocapture derive/vec
//! ```
//!
//! Programs in `refusals/core/` depend on `partools-core` alone, the others on `partools` alone.

use libtest_mimic::{Arguments, Failed, Trial};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::{env, fs};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let libraries = match arguments.list {
        true => Arc::default(),
        false => Arc::new(Libraries::built()),
    };
    let mut trials = Vec::new();
    for room in entries(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/refusals")) {
        let room = Room::read(&room);
        let (twins, shared) = (room.twins(), Arc::clone(&libraries));
        // First, since it takes the longest.
        trials.push(Trial::test(
            format!("{}/every_twin_compiles_and_runs", room.name),
            move || twins.run(&shared),
        ));
        for program in room.programs {
            let (libraries, show) = (Arc::clone(&libraries), arguments.nocapture);
            let name = format!("{}/{}", program.room, program.name);
            trials.push(Trial::test(name, move || {
                program.is_refused(&libraries, show)
            }));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A folder of programs that depend on the same crate.
struct Room {
    name: String,
    programs: Vec<Program>,
}

/// A program, and what the compiler must say of it.
struct Program {
    room: String,
    name: String,
    path: PathBuf,
    sentences: Vec<String>,
}

/// One program that is all the twins of a room: to compile them one by one would take most of the time.
struct Twins {
    room: String,
    text: String,
}

impl Room {
    fn read(folder: &Path) -> Self {
        let name = stem(folder);
        let programs: Vec<_> = entries(folder)
            .into_iter()
            .map(|path| Program::read(&name, path))
            .collect();
        assert!(!programs.is_empty(), "no program in {}", folder.display());
        Room { name, programs }
    }

    fn twins(&self) -> Twins {
        let (mut modules, mut calls) = (String::new(), String::new());
        for (at, program) in self.programs.iter().enumerate() {
            writeln!(modules, "#[path = {:?}] mod twin_{at};", program.path).unwrap();
            writeln!(calls, "    twin_{at}::main();").unwrap();
        }
        Twins {
            room: self.name.clone(),
            text: format!("{modules}fn main() {{\n{calls}}}\n"),
        }
    }
}

impl Program {
    fn read(room: &str, path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).unwrap();
        let sentences: Vec<String> = text
            .lines()
            .filter_map(|line| line.strip_prefix("//! refused: "))
            .map(str::to_owned)
            .collect();
        assert!(
            !sentences.is_empty() && text.contains("(refused)") && text.contains("pub fn main()"),
            "{} names no sentence (`//! refused: ..`), has no line that depends on `refused`, or no `pub fn main()`",
            path.display()
        );
        Program {
            room: room.to_owned(),
            name: stem(&path),
            path,
            sentences,
        }
    }

    #[expect(
        clippy::print_stderr,
        reason = "`--nocapture` asks for what the compiler says"
    )]
    fn is_refused(&self, libraries: &Libraries, show: bool) -> Result<(), Failed> {
        // As an object: a capturing closure is found where code is generated, and `cargo check` does not go there.
        let object = scratch(&format!("{}_{}.o", self.room, self.name));
        let output = libraries
            .compiler(&self.room, &self.path, &object)
            .args(["--cfg=refused", "--emit=obj"])
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        if show {
            eprintln!("---- {}/{}\n{said}", self.room, self.name);
        }
        if output.status.success() {
            return Err(format!("{} compiles", self.path.display()).into());
        }
        match self
            .sentences
            .iter()
            .find(|s| !flat(&said).contains(&flat(s)))
        {
            Some(missing) => Err(format!("nobody says {missing:?}, but:\n{said}").into()),
            None => Ok(()),
        }
    }
}

impl Twins {
    fn run(&self, libraries: &Libraries) -> Result<(), Failed> {
        let source = scratch(&format!("{}_twins.rs", self.room));
        let program = source.with_extension("");
        fs::write(&source, &self.text)?;
        let mut compiler = libraries.compiler(&self.room, &source, &program);
        compiler.arg("--emit=link");
        for mut step in [compiler, Command::new(&program)] {
            let output = step.output()?;
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stderr);
                return Err(format!("{}\n{said}", output.status).into());
            }
        }
        Ok(())
    }
}

/// Where the libraries are that programs name.
#[derive(Default)]
struct Libraries {
    messages: String,
}

impl Libraries {
    /// Asks cargo for them: most are there already, but only cargo knows under which names.
    fn built() -> Self {
        let output = Command::new(env::var_os("CARGO").expect("run by cargo"))
            .args(["build", "--offline", "--profile=test", "--lib"])
            .args([
                "--package=partools",
                "--features=rayon",
                "--message-format=json",
            ])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("cargo runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "the libraries are not built: {said}"
        );
        Libraries {
            messages: String::from_utf8(output.stdout).expect("JSON"),
        }
    }

    /// The library of the crate `name`, out of what cargo says that it made: one JSON object a line.
    fn path(&self, name: &str) -> &Path {
        let target = format!("\"crate_types\":[\"lib\"],\"name\":\"{name}\"");
        let found = self
            .messages
            .lines()
            .filter(|line| line.contains(&target))
            .flat_map(|line| line.split('"'))
            .find(|word| word.ends_with(".rlib"));
        Path::new(
            found.unwrap_or_else(|| panic!("cargo names no library {name}:\n{}", self.messages)),
        )
    }

    /// A compiler that makes `out` of `source`, a program of `room`.
    fn compiler(&self, room: &str, source: &Path, out: &Path) -> Command {
        let crate_of_room = match room {
            "core" => "partools_core",
            _ => "partools",
        };
        let mut compiler = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        compiler
            .args([
                "--edition=2024",
                "--crate-type=bin",
                "--crate-name=program",
                "-Copt-level=0",
            ])
            .args(["--color=never", "--diagnostic-width=100", "-Adead_code"]);
        for name in [crate_of_room, "bytemuck", "serde"] {
            compiler.arg(format!("--extern={name}={}", self.path(name).display()));
        }
        // What these depend on lies where `serde` lies; the library of the package itself is elsewhere.
        let dependencies = self.path("serde").with_file_name("");
        compiler
            .arg(format!("-Ldependency={}", dependencies.display()))
            .arg(source)
            .arg("-o")
            .arg(out);
        compiler
    }
}

/// Without what the compiler adds where it breaks lines.
fn flat(text: &str) -> String {
    let words = text.split_whitespace().filter(|&word| word != "|");
    words.collect::<Vec<_>>().join(" ")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
}

fn stem(path: &Path) -> String {
    let name = path.file_stem().expect("a name");
    name.to_str().expect("a name in UTF-8").to_owned()
}

fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}
