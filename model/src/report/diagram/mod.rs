//! Sequence diagrams: how a guarantee comes to break, for a person to read.
//!
//! A [`Diagram`] is made from a counterexample of the specification, or from the trace that a run of the real code left
//! behind; [`draw()`] makes text of it. Both ways replay the steps on the specification, which knows at every step who
//! holds which lock, and who has to wait.

mod draw;

#[cfg(test)]
mod tests;

pub use draw::{Style, draw};

use super::Violation;
use crate::scenario::Thread;
use crate::spec::{Action, Counterexample, Rules, State};
use thiserror::Error;

/// A run of a scenario: a column for each thread, a row for each step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagram {
    /// The names of the threads.
    pub threads: Vec<String>,
    /// The names of the interpreters.
    pub interpreters: Vec<String>,
    /// The steps from the start on; the last row shows what breaks.
    pub rows: Vec<Row>,
}

/// One step, or how things stand at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The number of the step, counted from 1; `None` if the row is no step.
    pub number: Option<usize>,
    /// What is special about it.
    pub mark: Mark,
    /// One for each thread.
    pub cells: Vec<Cell>,
}

/// What is special about a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Nothing.
    None,
    /// It belongs to a round that can repeat for ever.
    Repeats,
    /// Here the guarantee breaks.
    Broken,
}

/// One thread in one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// What the thread does, if it is the one that does something.
    pub text: Option<String>,
    /// How the thread stands behind the step.
    pub line: Line,
}

/// How a thread stands: what its lifeline looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// It holds the lock of the interpreter with this index.
    Holds(usize),
    /// It holds no lock, and can go on.
    Free,
    /// It holds no lock, and has to wait.
    Waits,
    /// It has finished.
    Ended,
}

/// A trace does not belong to the scenario: the specification has no such step at this point.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the specification of {scenario} has no step {line:?} here")]
pub struct Unknown {
    /// The scenario.
    pub scenario: String,
    /// The line of the trace.
    pub line: String,
}

impl Diagram {
    /// The way to a violation of the specification.
    pub fn of_counterexample(rules: &Rules, found: &Counterexample) -> Self {
        let mut replay = Replay::new(rules);
        found.path.iter().for_each(|&action| replay.take(action));
        if rules.deadlock(replay.state()).as_ref() == Some(&found.violation) {
            replay.show_stuck();
        } else if let Some(round) = replay.round() {
            replay.show_round(round);
        } else {
            replay.break_last();
        }
        replay.finish()
    }

    /// The way to a violation by the real code: its trace, replayed on the specification without a fault.
    ///
    /// # Errors
    ///
    /// When the trace is not one of this scenario.
    pub fn of_trace(rules: &Rules, violation: &Violation) -> Result<Self, Unknown> {
        let mut replay = Replay::new(rules);
        for line in &violation.trace {
            let action = replay
                .find(line)
                .ok_or_else(|| Unknown { scenario: rules.scenario().name.clone(), line: line.clone() })?;
            replay.take(action);
        }
        // What loom says when no thread can go on.
        if violation.why.starts_with("deadlock;") {
            replay.show_stuck();
        } else {
            replay.show_refused(&violation.why);
        }
        Ok(replay.finish())
    }
}

/// Takes step after step on the specification, and notes a row for each.
struct Replay<'a> {
    rules: &'a Rules,
    /// The initial state, and the one after each row.
    states: Vec<State>,
    rows: Vec<Row>,
}

impl<'a> Replay<'a> {
    fn new(rules: &'a Rules) -> Self {
        Self { rules, states: vec![rules.initial()], rows: Vec::new() }
    }

    fn state(&self) -> &State {
        self.states.last().expect("the initial state stays")
    }

    /// The next step, if a line of a trace, which begins with the thread's name, tells of it.
    fn find(&self, line: &str) -> Option<Action> {
        let (thread, text) = self.split(line)?;
        let mut wanted = self.rules.wants(self.state(), thread).into_iter();
        wanted.find(|&action| self.rules.narrate(self.state(), action) == text)
    }

    /// A line that begins with a thread's name: which thread, and the rest.
    fn split<'l>(&self, line: &'l str) -> Option<(Thread, &'l str)> {
        let (name, text) = line.split_once(' ')?;
        let thread = self.rules.scenario().threads.iter().position(|thread| thread.name == name)?;
        Some((thread, text))
    }

    fn take(&mut self, action: Action) {
        let text = self.rules.narrate(self.state(), action);
        // The step that breaks a guarantee is refused: then the row shows how things stand without it.
        let next = self.rules.step(self.state(), action).unwrap_or_else(|_| self.state().clone());
        self.states.push(next);
        let number = Some(self.rows.len() + 1);
        self.push(number, Mark::None, |thread| (thread == action.thread).then(|| text.clone()));
    }

    fn push(&mut self, number: Option<usize>, mark: Mark, text: impl Fn(Thread) -> Option<String>) {
        let threads = 0..self.rules.scenario().threads.len();
        let cells = threads.map(|thread| Cell { text: text(thread), line: self.line(thread) }).collect();
        self.rows.push(Row { number, mark, cells });
    }

    fn line(&self, thread: Thread) -> Line {
        match self.state().attachment(thread) {
            Some(interpreter) => Line::Holds(interpreter),
            None if self.rules.wants(self.state(), thread).is_empty() => Line::Ended,
            None if self.next(thread).is_some() => Line::Free,
            None => Line::Waits,
        }
    }

    /// What a thread can do next, unless it has to wait.
    fn next(&self, thread: Thread) -> Option<Action> {
        self.rules.enabled(self.state()).into_iter().find(|action| action.thread == thread)
    }

    /// The last step breaks the guarantee.
    fn break_last(&mut self) {
        match self.rows.last_mut() {
            Some(row) => row.mark = Mark::Broken,
            None => self.push(None, Mark::Broken, |_| None),
        }
    }

    /// Nobody goes on: what everybody waits for.
    fn show_stuck(&mut self) {
        let texts: Vec<_> = (0..self.rules.scenario().threads.len()).map(|thread| self.stuck(thread)).collect();
        self.push(None, Mark::Broken, |thread| texts[thread].clone());
        let cells = self.rows.iter_mut().rev().take(1).flat_map(|row| &mut row.cells);
        cells.filter(|cell| cell.line == Line::Free).for_each(|cell| cell.line = Line::Waits);
    }

    fn stuck(&self, thread: Thread) -> Option<String> {
        let &wanted = self.rules.wants(self.state(), thread).first()?;
        Some(match self.next(thread) {
            None => format!("waits until it {}", self.rules.narrate(self.state(), wanted)),
            // Only the real code can be stuck where the specification is not.
            Some(next) => format!("is stuck; in the specification it {}", self.rules.narrate(self.state(), next)),
        })
    }

    /// How many steps lead to the state that the last step comes back to, if it comes back to one.
    fn round(&self) -> Option<usize> {
        let (last, before) = self.states.split_last()?;
        let start = before.iter().position(|state| state == last)?;
        // A step that was refused stays where it was. That is no round.
        (start + 1 < before.len()).then_some(start)
    }

    fn show_round(&mut self, start: usize) {
        let round = &mut self.rows[start..];
        round.iter_mut().for_each(|row| row.mark = Mark::Repeats);
        let goes = |thread: Thread| round.iter().any(|row| row.cells[thread].text.is_some());
        let goers: Vec<bool> = (0..self.rules.scenario().threads.len()).map(goes).collect();
        self.push(None, Mark::Broken, |thread| goers[thread].then(|| "and so on, for ever".to_owned()));
    }

    /// A step of the real code was refused, and `why` says so; or it failed in another way, after the last step.
    fn show_refused(&mut self, why: &str) {
        let refused = self.split(why).map(|(thread, rest)| {
            let text = rest.split_once(": ").map_or(rest, |(text, _)| text);
            (thread, text.to_owned())
        });
        let text = |thread| refused.as_ref().filter(|refused| refused.0 == thread).map(|refused| refused.1.clone());
        self.push(None, Mark::Broken, text);
    }

    fn finish(self) -> Diagram {
        let scenario = self.rules.scenario();
        Diagram {
            threads: scenario.threads.iter().map(|thread| thread.name.clone()).collect(),
            interpreters: scenario.interpreters.clone(),
            rows: self.rows,
        }
    }
}
