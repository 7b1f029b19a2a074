//! Every case of `tests/python`, under every CPython there is: each in a process of its own, with a time limit.
//!
//! A case is called `VERSION::FILE::CASE`; a part of that chooses, as with any test. What these variables say:
//!
//! - `VIEWCHAN_PYTHONS`: which interpreters, with colons between; they may be scripts that start one elsewhere. Without
//!   it, those of pyenv and `python3.12` to `python3.15` on the path.
//! - `VIEWCHAN_STAGE`: the directory in which the package is laid out for them. For a script that changes the root, the
//!   same path must lead to it inside and outside.
//! - `VIEWCHAN_SECONDS`, `VIEWCHAN_MESSAGES`: how much stress.

use libtest_mimic::{Arguments, Failed, Trial};
use rustix::process::{Pid, Signal, kill_process_group};
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{Read, Seek};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// The versions that are looked for. 3.12 runs what it can; without a later one there is nothing to show.
const MINORS: [u32; 4] = [12, 13, 14, 15];
const FIRST_FIT_MINOR: u32 = 13;

/// How long a case that is over its limit may take to say where it hangs.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What `run.py` says of a twin: the defect shows, it does not, it cannot be tried.
const VERDICTS_OF_TWINS: [i32; 3] = [0, 3, 4];

const NO_PYTHON: &str = "
error: no CPython 3.13 or later was found, and the extension cannot be tested without one. Ways to get one:
  - pyenv install 3.13
  - apt-get install python3.13, or python3 of Debian 13 and later
  - VIEWCHAN_PYTHONS=/path/to/python3.13 (colons between several)";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let pythons = find_pythons();
    for python in &pythons {
        eprintln!("CPython {} at {}", python.version, python.command.display());
    }
    if !pythons.iter().any(|python| python.minor >= FIRST_FIT_MINOR) {
        eprintln!("{NO_PYTHON}");
        return ExitCode::FAILURE;
    }
    let stage = Arc::new(lay_out());
    let trials = pythons.iter().flat_map(|python| trials(python, &stage)).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// An interpreter that answered.
#[derive(Clone)]
struct Python {
    command: PathBuf,
    version: String,
    minor: u32,
    /// Where it really is: two names of one interpreter are one interpreter.
    executable: String,
}

fn find_pythons() -> Vec<Python> {
    if let Some(named) = env::var_os("VIEWCHAN_PYTHONS") {
        let ask = |command: PathBuf| {
            Python::ask(&command).unwrap_or_else(|why| panic!("VIEWCHAN_PYTHONS: {}: {why}", command.display()))
        };
        return env::split_paths(&named).filter(|path| !path.as_os_str().is_empty()).map(ask).collect();
    }
    let mut found: Vec<Python> = Vec::new();
    for command in likely_places() {
        // Somebody's wrapper for a version that is not there is no error: nobody named it.
        let Ok(python) = Python::ask(&command) else { continue };
        if MINORS.contains(&python.minor) && !found.iter().any(|other| other.executable == python.executable) {
            found.push(python);
        }
    }
    found
}

fn likely_places() -> Vec<PathBuf> {
    let of_pyenv = env::var_os("PYENV_ROOT")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".pyenv")))
        .and_then(|root| fs::read_dir(root.join("versions")).ok());
    let mut places: Vec<PathBuf> =
        of_pyenv.into_iter().flatten().flatten().map(|version| version.path().join("bin/python3")).collect();
    places.sort();
    places.extend(MINORS.iter().map(|minor| PathBuf::from(format!("python3.{minor}"))));
    places.push(PathBuf::from("python3"));
    places
}

impl Python {
    const QUESTION: &str = "import os, sys, sysconfig
print(sys.version.split()[0], sys.version_info.minor, sysconfig.get_config_var('Py_GIL_DISABLED') or 0)
print(os.path.realpath(sys.executable))";

    fn ask(command: &Path) -> Result<Self, String> {
        let answer = Command::new(command)
            .args(["-I", "-c", Self::QUESTION])
            .stdin(Stdio::null())
            .output()
            .map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&answer.stdout);
        let words: Vec<&str> = text.split_whitespace().collect();
        match words[..] {
            [version, minor, "0", executable] => Ok(Self {
                command: command.to_owned(),
                version: version.to_owned(),
                minor: minor.parse().map_err(|_| format!("a strange version: {version}"))?,
                executable: executable.to_owned(),
            }),
            [_, _, "1", _] => Err("it has no GIL; the extension is for interpreters that have one each".into()),
            _ => Err(format!("it did not say its version: {text}{}", String::from_utf8_lossy(&answer.stderr))),
        }
    }

    /// `run.py` with these arguments, alone in a group of processes.
    fn command(&self, stage: &TempDir, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.command);
        command.arg(stage.path().join("run.py")).args(arguments);
        command.env("PYTHONPATH", stage.path()).stdin(Stdio::null()).process_group(0);
        for meddling in ["PYTHONHOME", "PYTHONOPTIMIZE", "PYTHONSTARTUP", "PYTHONWARNINGS", "PYTHONMALLOC"] {
            command.env_remove(meddling);
        }
        command
    }
}

/// A directory with the package and the cases, as an installed package would have them.
fn lay_out() -> TempDir {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let place = env::var_os("VIEWCHAN_STAGE").map_or_else(env::temp_dir, PathBuf::from);
    let stage = tempfile::Builder::new().prefix("viewchan-").tempdir_in(place).expect("a temporary directory");
    let package = stage.path().join("viewchan");
    fs::create_dir(&package).expect("a directory for the package");
    copy_sources(&here.join("python/viewchan"), &package);
    copy_sources(&here.join("tests/python"), stage.path());
    fs::copy(built_extension(), package.join("_viewchan.abi3.so")).expect("the extension is copied");
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

/// Cargo puts the library beside this executable; `cargo build` puts it one level up as well, maybe long ago.
fn built_extension() -> PathBuf {
    let executable = env::current_exe().expect("this executable");
    let beside = executable.parent().expect("the directory of this executable");
    let name = format!("{}viewchan_cpython{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    let places = [beside.join(&name), beside.join("..").join(&name)];
    places.iter().find(|place| place.exists()).cloned().unwrap_or_else(|| panic!("{name} is not in {places:?}"))
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
    let output = python.command(stage, &[flags, &["--list"]].concat()).output().map_err(|error| error.to_string())?;
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
            let (ended, said) = run_within(python.command(&stage, &arguments), self.limit)?;
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

/// How the command ended, or none if its time was over first, and what it said. Nothing that it has started is left.
fn run_within(mut command: Command, limit: Duration) -> Result<(Option<ExitStatus>, String), Failed> {
    // A file, not a pipe: what outlives the command cannot keep it open for us.
    let mut output = tempfile::tempfile()?;
    let mut child = command.stdout(output.try_clone()?).stderr(output.try_clone()?).spawn()?;
    let group = Pid::from_child(&child);
    let (tell, told) = mpsc::channel();
    thread::spawn(move || tell.send(child.wait()));
    let ended = match told.recv_timeout(limit) {
        Ok(status) => Some(status?),
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
            end(group, Signal::ABORT);
            // Whether it has its last words or not, it is over.
            let _ = told.recv_timeout(LAST_WORDS);
            None
        }
    };
    end(group, Signal::KILL);
    let mut said = Vec::new();
    output.rewind()?;
    output.read_to_end(&mut said)?;
    Ok((ended, String::from_utf8_lossy(&said).into_owned()))
}

fn end(group: Pid, signal: Signal) {
    // The only error is that nobody is left.
    let _ = kill_process_group(group, signal);
}
