//! What the tests that run CPython share: which ones there are, where to lay things out for them, and a time limit.
#![allow(dead_code, reason = "each test uses its share")]

use libtest_mimic::Failed;
use rustix::process::{Pid, Signal, kill_process_group};
use std::env;
use std::fs;
use std::io::{Read, Seek};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// The versions that are looked for. 3.12 runs what it can; without a later one there is nothing to show.
const MINORS: [u32; 4] = [12, 13, 14, 15];
const FIRST_FIT_MINOR: u32 = 13;

/// How long a case that is over its limit may take to say where it hangs.
const LAST_WORDS: Duration = Duration::from_secs(5);

const NO_PYTHON: &str = "
error: no CPython 3.13 or later was found, and the extension cannot be tested without one. Ways to get one:
  - pyenv install 3.13
  - apt-get install python3.13, or python3 of Debian 13 and later
  - VIEWCHAN_PYTHONS=/path/to/python3.13 (colons between several)";

/// An interpreter that answered.
#[derive(Clone)]
pub(crate) struct Python {
    pub(crate) command: PathBuf,
    pub(crate) version: String,
    pub(crate) minor: u32,
    /// Where it really is: two names of one interpreter are one interpreter.
    executable: String,
}

/// All that there are, told to the reader. `None` if none of them is enough.
pub(crate) fn pythons() -> Option<Vec<Python>> {
    let pythons = find_pythons();
    for python in &pythons {
        eprintln!("CPython {} at {}", python.version, python.command.display());
    }
    if pythons.iter().any(|python| python.minor >= FIRST_FIT_MINOR) {
        return Some(pythons);
    }
    eprintln!("{NO_PYTHON}");
    None
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

    /// Itself, alone in a group of processes, with these arguments.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.command);
        command.args(arguments).stdin(Stdio::null()).process_group(0);
        for meddling in ["PYTHONHOME", "PYTHONOPTIMIZE", "PYTHONSTARTUP", "PYTHONWARNINGS", "PYTHONMALLOC"] {
            command.env_remove(meddling);
        }
        command
    }
}

/// A directory to lay things out in, where every interpreter finds them.
pub(crate) fn stage() -> TempDir {
    let place = env::var_os("VIEWCHAN_STAGE").map_or_else(env::temp_dir, PathBuf::from);
    tempfile::Builder::new().prefix("viewchan-").tempdir_in(place).expect("a temporary directory")
}

/// Cargo puts the library beside this executable; `cargo build` puts it one level up as well, maybe long ago.
pub(crate) fn built(library: &str) -> PathBuf {
    let executable = env::current_exe().expect("this executable");
    let beside = executable.parent().expect("the directory of this executable");
    let name = format!("{}{library}{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    let places = [beside.join(&name), beside.join("..").join(&name)];
    places.iter().find(|place| place.exists()).cloned().unwrap_or_else(|| panic!("{name} is not in {places:?}"))
}

/// How the command ended, or none if its time was over first, and what it said. Nothing that it has started is left.
pub(crate) fn run_within(mut command: Command, limit: Duration) -> Result<(Option<ExitStatus>, String), Failed> {
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
