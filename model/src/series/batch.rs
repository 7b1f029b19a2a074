//! A part of a series in a child process, which runs one scenario after the other: a process for each would take longer than
//! most scenarios.
//!
//! The child says when it begins a scenario, and what came of it. A child that hangs or dies has failed the scenario that it
//! was at, and another child goes on behind it.

use super::{Series, Trial};
use crate::job::{read_all, unanswered};
use crate::report::{Run, Verdict};
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, BufReader};
use std::ops::Range;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;
use wait_timeout::ChildExt;

/// The exit status of a child that cannot do what it is told.
const REFUSED: i32 = 2;
/// After so many scenarios a child says how much memory it has.
const BETWEEN_MEASUREMENTS: u64 = 5;

/// What a child says, a line each.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    Begun { case: u64 },
    Measured(Memory),
    Ran(Box<Run>),
}

/// The memory of a process between two scenarios.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Bytes that it has allocated and not freed.
    pub allocated: usize,
    /// Bytes that are resident; 0 if the system does not tell.
    pub resident: usize,
}

/// What a batch tells of.
#[derive(Debug)]
pub enum Heard {
    /// The scenario with this number ran.
    Ran(u64, Box<Run>),
    /// The memory of the child, between two scenarios.
    Measured(Memory),
}

/// Runs a part of a series in this process, and prints what came of it. `measure` tells how much memory the process has.
///
/// # Errors
///
/// When this build has not got the engine or a strategy.
pub fn perform(series: &Series, trial: &Trial, cases: Range<u64>, measure: fn() -> Memory) -> Result<(), String> {
    for case in cases {
        say(&Line::Begun { case });
        let picked = series.pick(case);
        let run = trial.perform(&Arc::new(picked.scenario), picked.strategy)?;
        say(&Line::Ran(Box::new(run)));
        if case % BETWEEN_MEASUREMENTS == 0 {
            say(&Line::Measured(measure()));
        }
    }
    Ok(())
}

fn say(line: &Line) {
    println!("{}", serde_json::to_string(line).expect("plain data"));
}

/// A part of a series, to run in child processes.
pub struct Batch<'a> {
    /// This program.
    pub executable: &'a Path,
    /// Which scenarios.
    pub series: &'a Series,
    /// What is done with each.
    pub trial: &'a Trial,
    /// How long one scenario may take.
    pub limit: Duration,
}

impl Batch<'_> {
    /// Runs the scenarios with these numbers, one after the other, until `heard` says that it has heard enough.
    ///
    /// # Errors
    ///
    /// When a child cannot be started, or ends before it begins.
    pub fn run(&self, mut cases: Range<u64>, heard: &mut dyn FnMut(Heard) -> bool) -> io::Result<()> {
        while !cases.is_empty() {
            match self.child(&cases, heard)? {
                Some(last) => cases.start = last + 1,
                None => break,
            }
        }
        Ok(())
    }

    /// One child. The number of the last scenario that it was at, or `None` if enough was heard.
    fn child(&self, cases: &Range<u64>, heard: &mut dyn FnMut(Heard) -> bool) -> io::Result<Option<u64>> {
        let mut child = self.spawn(cases)?;
        let lines = lines_of(child.stdout.take().expect("piped"));
        let mut stderr = child.stderr.take().expect("piped");
        let complaint = std::thread::spawn(move || read_all(&mut stderr));
        let mut at = Position::default();
        let silent = loop {
            match lines.recv_timeout(self.limit).map(|line| at.hear(line, heard)) {
                Ok(true) => {}
                Ok(false) => break None,
                Err(silent) => break Some(silent),
            }
        };
        let ended = match silent {
            Some(RecvTimeoutError::Disconnected) => child.wait_timeout(self.limit)?,
            Some(RecvTimeoutError::Timeout) | None => None,
        };
        if ended.is_none() {
            child.kill()?;
            child.wait()?;
        }
        if silent.is_none() {
            return Ok(None);
        }
        let complaint = complaint.join().expect("reading does not panic");
        let has_refused = ended.and_then(|status| status.code()) == Some(REFUSED);
        let Some(last) = at.case.filter(|_| !has_refused) else {
            return Err(io::Error::other(format!("a child refuses to run: {}", complaint.trim())));
        };
        let run = self.judge(last, at.ran, ended, &complaint);
        Ok(heard(Heard::Ran(last, Box::new(run))).then_some(last))
    }

    fn spawn(&self, cases: &Range<u64>) -> io::Result<Child> {
        Command::new(self.executable)
            .arg("batch")
            .args(self.series.arguments())
            .args([format!("--first={}", cases.start), format!("--last={}", cases.end - 1)])
            .args(self.trial.arguments())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
    }

    /// What came of the last scenario of a child: what the child said, if it ended well or says that it failed.
    fn judge(&self, case: u64, said: Option<Box<Run>>, ended: Option<ExitStatus>, complaint: &str) -> Run {
        let picked = self.series.pick(case);
        let ended_well = ended.is_some_and(|status| status.success());
        let is_answer =
            |run: &Run| run.scenario == picked.scenario.name && (run.verdict == Verdict::Fail || ended_well);
        let begun = self.trial.begun(&picked.scenario, picked.strategy);
        said.map(|run| *run).filter(is_answer).unwrap_or_else(|| unanswered(begun, ended, self.limit, complaint))
    }
}

/// Where a child is.
#[derive(Default)]
struct Position {
    /// The scenario that it began last.
    case: Option<u64>,
    /// What it says came of it. Believed when the child goes on, or ends well.
    ran: Option<Box<Run>>,
}

impl Position {
    /// Whether to go on hearing.
    fn hear(&mut self, line: Line, heard: &mut dyn FnMut(Heard) -> bool) -> bool {
        match line {
            Line::Begun { case } => {
                let before = self.case.replace(case).zip(self.ran.take());
                before.is_none_or(|(case, run)| heard(Heard::Ran(case, run)))
            }
            Line::Ran(run) => {
                self.ran = Some(run);
                true
            }
            Line::Measured(memory) => heard(Heard::Measured(memory)),
        }
    }
}

/// What the child says, until it ends. What is no line of ours is no answer either.
fn lines_of(stdout: ChildStdout) -> Receiver<Line> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Ok(line) = serde_json::from_str(&line)
                && sender.send(line).is_err()
            {
                break;
            }
        }
    });
    lines
}
