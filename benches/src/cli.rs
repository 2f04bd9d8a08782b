//! The command line: `compare`, `show` and `check`, and what this executable is when it is started again.

use crate::catalogue::{Size, Workload, catalogue};
use crate::check::faults;
use crate::contender::{Entry, Kind, Launch};
use crate::contenders::{self, become_worker_if_asked, ranks};
use crate::machine::{Machine, today};
use crate::neighbours::{self, NEIGHBOUR};
use crate::race::{self, Rules};
use crate::record::{Comparison, Record, compare};
use crate::rival::HIDDEN;
use crate::serve::Order;
use crate::{peers, report};
use clap::{Args, Parser, Subcommand};
use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

/// Every backend of partools and every peer of it, side by side.
#[derive(Parser)]
#[command(name = "partools-bench", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Do,
}

#[derive(Subcommand)]
enum Do {
    /// Measure: every workload, every contender, each in a process of its own.
    Compare(Compare),
    /// Show what was measured before.
    Show {
        /// What `compare --json` wrote.
        file: PathBuf,
        #[command(flatten)]
        outputs: Outputs,
    },
    /// Is a file of `compare --json` complete and sane?
    Check {
        /// What `compare --json` wrote.
        file: PathBuf,
        #[command(flatten)]
        choice: Choice,
    },
}

#[derive(Args)]
struct Compare {
    #[command(flatten)]
    choice: Choice,
    /// Write all records to this file as JSON, anew after each workload.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Go on where the file of `--json` ends: workloads that it has of all contenders are kept and not measured again. For
    /// comparisons that take longer than the machine is quiet.
    #[arg(long, requires = "json")]
    resume: bool,
    #[command(flatten)]
    outputs: Outputs,
    /// With Python and R packages too; a private environment is set up for those of Python.
    #[arg(long)]
    with_peers: bool,
    /// Rounds that count [default: 3 with --quick and for busy/, else 5].
    #[arg(long, value_name = "NUMBER")]
    rounds: Option<usize>,
}

#[derive(Args)]
struct Choice {
    /// Smaller sizes: two minutes for all.
    #[arg(long)]
    quick: bool,
    /// Only workloads, or contenders, with this in their name. Several words: any of those in names of workloads, and any of
    /// those in names of contenders; the references always race.
    #[arg(long, value_name = "WORD")]
    only: Vec<String>,
    /// No workloads and no contenders with this in their name, whatever `--only` says.
    #[arg(long, value_name = "WORD")]
    skip: Vec<String>,
    /// How many workers each contender has [default: 2, or 1 where there is one processor].
    #[arg(long, value_name = "NUMBER")]
    workers: Option<usize>,
}

#[derive(Args)]
struct Outputs {
    /// Write a page with charts, all in one file.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write tables for a document; where the file has the lines `<!-- measured -->` and `<!-- /measured -->`, between
    /// them.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

/// The whole program, with `more` contenders than those of this crate: the `main` of executors that are measured with
/// it. Call it first, with one thread.
#[must_use]
pub fn run(more: Vec<Entry>) -> ExitCode {
    partools::init();
    become_worker_if_asked();
    let mut entries = contenders::all();
    entries.extend(more);
    let mut arguments = std::env::args_os().skip(1);
    let done = if arguments.next().is_some_and(|first| first == HIDDEN) {
        be_contender(
            &entries,
            arguments
                .filter_map(|word| word.into_string().ok())
                .collect(),
        )
    } else {
        match Cli::parse().command {
            Do::Compare(asked) => measure(&asked, entries),
            Do::Show { file, outputs } => {
                read(&file).and_then(|comparison| write(&comparison, &outputs, true))
            }
            Do::Check { file, choice } => check(&file, &choice, &entries),
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "partools-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// This process is a contender, a neighbour, or the first breath of a script. It must not outlive the one that started
/// it, not even stopped.
fn be_contender(entries: &[Entry], words: Vec<String>) -> Result<(), Box<dyn Error>> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    match words.first().map(String::as_str) {
        Some(NEIGHBOUR) => neighbours::live(),
        Some(ranks::RANK) => ranks::be_rank(),
        Some("--") => Err(Command::new(&words[1]).args(&words[2..]).exec().into()),
        _ => {
            let mut line = String::new();
            io::stdin().read_line(&mut line)?;
            let order: Order = serde_json::from_str(&line)?;
            match entries
                .iter()
                .find(|entry| entry.name == order.who)
                .map(|entry| &entry.launch)
            {
                Some(Launch::Again(serve)) => Ok(serve(&order)?),
                _ => {
                    Err(format!("no contender of this executable is called {:?}", order.who).into())
                }
            }
        }
    }
}

fn measure(asked: &Compare, mut entries: Vec<Entry>) -> Result<(), Box<dyn Error>> {
    if asked.with_peers {
        entries.extend(peers::set_up());
    }
    let begun = Instant::now();
    let (workloads, entries, workers) = asked.choice.of(&entries)?;
    let mut comparison = Comparison {
        date: today(),
        command: std::iter::once("partools-bench".to_owned())
            .chain(std::env::args().skip(1))
            .collect::<Vec<_>>()
            .join(" "),
        took_s: 0.0,
        machine: Machine::this(),
        workloads: Vec::new(),
        records: Vec::new(),
    };
    if let (Some(file), true) = (&asked.json, asked.resume) {
        comparison = go_on(file, comparison)?;
    }
    let took_before = comparison.took_s;
    let quick = asked.choice.quick;
    let progress = report::Progress::new(workloads.len());
    for workload in &workloads {
        let racing: Vec<&Entry> = entries
            .iter()
            .filter(|entry| entry.joins(workload))
            .collect();
        if comparison.has(&workload.name, &racing) {
            progress.skip();
            continue;
        }
        // A contender that is new races with all others, or its figures would be of another hour than theirs.
        comparison.forget(&workload.name);
        progress.at(&workload.name);
        let rules = Rules {
            workers,
            rounds: asked
                .rounds
                .unwrap_or(if quick || workload.busy { 3 } else { 5 }),
            target: Duration::from_millis(if quick { 10 } else { 100 }),
            limit: Duration::from_secs(if quick { 10 } else { 40 }),
            patience: Duration::from_secs(if quick { 2 } else { 10 }),
        };
        let findings = race::run(workload, &racing, &rules)?;
        let mut found: Vec<Record> = racing
            .iter()
            .zip(&findings)
            .map(|(entry, findings)| {
                Record::new(workload, entry, findings, workers, &comparison.machine)
            })
            .collect();
        compare(
            &mut found,
            workload,
            workers,
            if workload.busy {
                neighbours::count()
            } else {
                0
            },
        );
        progress.say(&report::table(workload, &found));
        comparison
            .workloads
            .push((workload.name.clone(), workload.about.clone()));
        comparison.records.extend(found);
        comparison.took_s = took_before + begun.elapsed().as_secs_f64();
        if let Some(file) = &asked.json {
            let text = serde_json::to_string_pretty(&comparison)?;
            fs::write(file, text).map_err(|error| at(file, error))?;
        }
    }
    progress.end();
    write(&comparison, &asked.outputs, false)
}

/// What `file` has, to go on with; `new` where there is no such file yet. Figures of two machines are not mixed.
fn go_on(file: &Path, new: Comparison) -> Result<Comparison, Box<dyn Error>> {
    if !file.exists() {
        return Ok(new);
    }
    let mut old = read(file)?;
    let was = Machine {
        load: new.machine.load,
        ..old.machine.clone()
    };
    if was != new.machine {
        let file = file.display();
        return Err(format!(
            "--resume: {file} was measured on another machine, or with another compiler; name another file with --json\n  \
             there: {was:?}\n  here:  {:?}",
            new.machine
        )
        .into());
    }
    old.machine.load = old.machine.load.max(new.machine.load);
    if !old.command.contains(&new.command) {
        old.command = format!("{}; {}", old.command, new.command);
    }
    old.date = new.date;
    Ok(old)
}

impl Choice {
    /// The workloads and contenders that are asked for, references included, and the number of workers.
    fn of(&self, entries: &[Entry]) -> Result<(Vec<Workload>, Vec<Entry>, usize), String> {
        let workers = self.workers.unwrap_or_else(|| neighbours::count().min(2));
        if workers == 0 {
            return Err("--workers 0: nobody would do anything; ask for at least 1".to_owned());
        }
        let size = if self.quick { Size::Quick } else { Size::Full };
        let (mut workloads, mut entries) = (catalogue(size, workers), entries.to_vec());
        let words: Vec<String> = self.only.iter().map(|word| word.to_lowercase()).collect();
        let has = |name: &str, words: &[&String]| {
            words.iter().any(|word| name.to_lowercase().contains(*word))
        };
        let (of_workloads, others): (Vec<_>, Vec<_>) = words.iter().partition(|word| {
            workloads
                .iter()
                .any(|workload| has(&workload.name, &[word]))
        });
        if let Some(word) = others
            .iter()
            .find(|word| !entries.iter().any(|entry| has(&entry.name, &[word])))
        {
            return Err(nobody(word, &workloads, &entries));
        }
        workloads.retain(|workload| of_workloads.is_empty() || has(&workload.name, &of_workloads));
        let reference = |entry: &Entry| entry.kind == Kind::Reference;
        entries.retain(|entry| others.is_empty() || reference(entry) || has(&entry.name, &others));
        let skip: Vec<String> = self.skip.iter().map(|word| word.to_lowercase()).collect();
        let skip: Vec<&String> = skip.iter().collect();
        workloads.retain(|workload| !has(&workload.name, &skip));
        entries.retain(|entry| reference(entry) || !has(&entry.name, &skip));
        Ok((workloads, entries, workers))
    }
}

/// The refusal of a word that is in no name.
fn nobody(word: &str, workloads: &[Workload], entries: &[Entry]) -> String {
    let mut families: Vec<&str> = workloads.iter().map(Workload::family).collect();
    families.sort_unstable();
    families.dedup();
    let names: Vec<&str> = entries.iter().map(|entry| &*entry.name).collect();
    format!(
        "--only {word}: no workload and no contender has this in its name; there are the workloads busy, {}, and the \
         contenders {}",
        families.join(", "),
        names.join(", ")
    )
}

fn write(comparison: &Comparison, outputs: &Outputs, tables: bool) -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    if tables {
        for (name, about) in &comparison.workloads {
            let records: Vec<&Record> = comparison
                .records
                .iter()
                .filter(|r| r.workload == *name)
                .collect();
            writeln!(out, "{}", report::titled_table(name, about, &records))?;
        }
    }
    writeln!(out, "{}", report::summary(comparison))?;
    if let Some(file) = &outputs.html {
        fs::write(file, report::page(comparison)).map_err(|error| at(file, error))?;
    }
    if let Some(file) = &outputs.markdown {
        let text = report::markdown(comparison);
        let text = match fs::read_to_string(file) {
            Ok(document) => report::put_between_marks(&document, &text).unwrap_or(text),
            Err(_) => text,
        };
        fs::write(file, text).map_err(|error| at(file, error))?;
    }
    Ok(())
}

fn check(file: &Path, choice: &Choice, entries: &[Entry]) -> Result<(), Box<dyn Error>> {
    let comparison = read(file)?;
    let (workloads, entries, _) = choice.of(entries)?;
    let faults = faults(&comparison, &workloads, &entries);
    if !faults.is_empty() {
        return Err(format!(
            "{}: {} faults\n  {}",
            file.display(),
            faults.len(),
            faults
                .iter()
                .take(20)
                .cloned()
                .collect::<Vec<_>>()
                .join("\n  ")
        )
        .into());
    }
    let (count, of) = (comparison.records.len(), workloads.len());
    writeln!(
        io::stdout(),
        "{}: {count} records of {of} workloads, complete and sane",
        file.display()
    )?;
    Ok(())
}

fn read(file: &Path) -> Result<Comparison, Box<dyn Error>> {
    let text = fs::read_to_string(file).map_err(|error| at(file, error))?;
    Ok(serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?)
}

fn at(file: &Path, error: io::Error) -> String {
    format!("{}: {error}", file.display())
}
