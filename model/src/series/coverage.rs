//! What the scenarios of a series consist of.

use super::Picked;
use std::collections::BTreeMap;
use std::fmt;

/// How often each thing occurred.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Steps, by their first word.
    pub steps: BTreeMap<String, u64>,
    /// Scenarios, by their strategy.
    pub strategies: BTreeMap<&'static str, u64>,
    /// Scenarios, by the number of their interpreters.
    pub interpreters: BTreeMap<usize, u64>,
    /// Blocks that end by a panic.
    pub panics: u64,
}

impl Coverage {
    /// Counts a scenario.
    pub fn add(&mut self, picked: &Picked) {
        *self.strategies.entry(picked.strategy.name()).or_default() += 1;
        *self.interpreters.entry(picked.scenario.interpreters.len()).or_default() += 1;
        for located in picked.scenario.threads.iter().flat_map(|thread| thread.preorder()) {
            let verb = located.text.split(' ').next().unwrap_or_default();
            *self.steps.entry(verb.to_owned()).or_default() += 1;
            self.panics += u64::from(located.step.panics());
        }
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "steps: {}, panic {}", list(&self.steps), self.panics)?;
        writeln!(f, "scenarios by strategy: {}", list(&self.strategies))?;
        write!(f, "scenarios by interpreters: {}", list(&self.interpreters))
    }
}

fn list(counts: &BTreeMap<impl fmt::Display, u64>) -> String {
    counts.iter().map(|(thing, count)| format!("{thing} {count}")).collect::<Vec<_>>().join(", ")
}
