//! Every case of `tests/python`, under every CPython there is: each in a process of its own, with a time limit.
//!
//! A case is called `VERSION::FILE::CASE`; a part of that chooses, as with any test. What these variables say:
//!
//! - `VIEWCHAN_PYTHONS`: which interpreters, with colons between; they may be scripts that start one elsewhere.
//!   Without it, those of pyenv and `python3.12` to `python3.15` on the path.
//! - `VIEWCHAN_STAGE`: the directory in which the package is laid out for them. For a script that changes the root,
//!   the same path must lead to it inside and outside.
//! - `VIEWCHAN_SECONDS`, `VIEWCHAN_MESSAGES`: how much stress.

mod common;

use common::{Python, built, pythons, run_within};
use libtest_mimic::{Arguments, Trial};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// What `run.py` says of a twin: the defect shows, it does not, it cannot be tried.
const VERDICTS_OF_TWINS: [i32; 3] = [0, 3, 4];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let Some(pythons) = pythons() else { return ExitCode::FAILURE };
    let stage = Arc::new(lay_out());
    let trials = pythons.iter().flat_map(|python| trials(python, &stage)).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A directory with the package and the cases, as an installed package would have them.
fn lay_out() -> TempDir {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let stage = common::stage();
    let package = stage.path().join("viewchan");
    fs::create_dir(&package).expect("a directory for the package");
    copy_sources(&here.join("python/viewchan"), &package);
    copy_sources(&here.join("tests/python"), stage.path());
    fs::copy(built("viewchan_cpython"), package.join("_viewchan.abi3.so")).expect("the extension is copied");
    lay_out_documents(here, &stage.path().join("documents"));
    stage
}

/// What tells people to run something, and what they are told to run, where they are in the repository.
fn lay_out_documents(here: &Path, documents: &Path) {
    let backend = documents.join("backends/cpython");
    for directory in ["examples", "benches"] {
        fs::create_dir_all(backend.join(directory)).expect("a directory for documents");
        copy_sources(&here.join(directory), &backend.join(directory));
    }
    for (from, to) in [("README.md", &backend), ("../../README.md", &documents.to_owned())] {
        fs::copy(here.join(from), to.join("README.md")).expect("a README is copied");
    }
}

fn copy_sources(from: &Path, to: &Path) {
    let mut copied = 0;
    for entry in fs::read_dir(from).expect("a directory of sources").flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "py" || extension == "pyi") {
            fs::copy(&path, to.join(entry.file_name())).expect("a source file is copied");
            copied += 1;
        }
    }
    assert!(copied > 0, "no Python source in {}", from.display());
}

/// `run.py` with these arguments.
fn command(python: &Python, stage: &TempDir, arguments: &[&str]) -> Command {
    let script = stage.path().join("run.py");
    let mut command = python.command(&[&[script.to_str().expect("a path in UTF-8")], arguments].concat());
    command.env("PYTHONPATH", stage.path());
    command
}

/// All cases, as one interpreter lists them, and the twins that show CPython's own defects.
fn trials(python: &Python, stage: &Arc<TempDir>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for flags in [&[][..], &["--stock"]] {
        match listed(python, stage, flags) {
            Ok(cases) => {
                say_what_is_ignored(python, &cases);
                trials.extend(cases.into_iter().map(|case| case.trial(python, stage, flags)));
            }
            Err(why) => {
                let name = format!("{}::{}list", python.version, flags.concat());
                trials.push(Trial::test(name, move || Err(why.into())));
            }
        }
    }
    trials
}

fn say_what_is_ignored(python: &Python, cases: &[Case]) {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for case in cases {
        if let Some(reason) = &case.unfit {
            reasons.entry(reason).or_default().push(&case.name);
        }
    }
    for (reason, names) in reasons {
        eprintln!("CPython {} ignores {} cases: {reason}: {}", python.version, names.len(), names.join(", "));
    }
}

/// One line of `run.py --list`.
struct Case {
    name: String,
    limit: Duration,
    /// Why CPython itself cannot run it.
    unfit: Option<String>,
}

fn listed(python: &Python, stage: &TempDir, flags: &[&str]) -> Result<Vec<Case>, String> {
    let output = command(python, stage, &[flags, &["--list"]].concat()).output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let cases: Option<Vec<Case>> = text.lines().map(Case::parse).collect();
    match cases {
        Some(cases) if output.status.success() && !cases.is_empty() => Ok(cases),
        _ => Err(format!("{}\n{text}{}", output.status, String::from_utf8_lossy(&output.stderr))),
    }
}

impl Case {
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split('\t');
        let (name, seconds, reason) = (fields.next()?, fields.next()?, fields.next()?);
        Some(Self {
            name: name.to_owned(),
            limit: Duration::try_from_secs_f64(seconds.parse().ok()?).ok()?,
            unfit: (!reason.is_empty()).then(|| reason.to_owned()),
        })
    }

    fn trial(self, python: &Python, stage: &Arc<TempDir>, flags: &[&'static str]) -> Trial {
        let title = format!("{}::{}", python.version, self.name);
        let is_unfit = self.unfit.is_some();
        let (python, stage, is_twin) = (python.clone(), Arc::clone(stage), !flags.is_empty());
        let arguments = [flags, &[]].concat();
        let run = move || {
            let arguments: Vec<&str> = arguments.into_iter().chain([self.name.as_str()]).collect();
            let (ended, said) = run_within(command(&python, &stage, &arguments), self.limit)?;
            match ended {
                Some(status) if is_twin && status.code().is_some_and(|code| VERDICTS_OF_TWINS.contains(&code)) => {
                    eprint!("{} {}: {said}", python.version, self.name);
                    Ok(())
                }
                Some(status) if !is_twin && status.success() => Ok(()),
                Some(status) => Err(format!("{status}\n{said}").into()),
                None => Err(format!("not over after {} s\n{said}", self.limit.as_secs_f64()).into()),
            }
        };
        Trial::test(title, run).with_ignored_flag(is_unfit)
    }
}
