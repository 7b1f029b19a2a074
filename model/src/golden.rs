//! The golden file: how many states and executions each shipped scenario has.
//!
//! Exploration is deterministic, so a count that changes means that something else is explored than before. A drop might
//! be a bound that crept in. Nothing here is a limit: the counts are compared after the fact.

use crate::report::{Run, Violation};
use crate::scenario::Strategy;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const SHIPPED: &str = include_str!("../golden.json");

/// The counts of each scenario, by its name and by the strategy's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Golden(BTreeMap<String, BTreeMap<String, Counts>>);

/// The counts of one scenario under one strategy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// States of the specification.
    pub states: usize,
    /// Transitions of the specification.
    pub transitions: u64,
    /// Outcomes of the specification.
    pub outcomes: usize,
    /// Executions under loom, by mode.
    pub executions: BTreeMap<String, u64>,
}

impl Golden {
    /// The shipped counts.
    pub fn shipped() -> Self {
        serde_json::from_str(SHIPPED).expect("golden.json is tested")
    }

    /// No counts: nothing is compared.
    pub fn none() -> Self {
        Self::default()
    }

    /// The counts that these runs have.
    pub fn of(runs: &[Run]) -> Self {
        let mut golden = Self::default();
        for run in runs {
            let scenario = golden.0.entry(run.scenario.clone()).or_default();
            let counts = scenario.entry(run.strategy.clone()).or_default();
            match (run.engine.as_str(), &run.mode) {
                ("spec", _) => {
                    counts.states = run.states;
                    counts.transitions = run.executions;
                    counts.outcomes = run.outcomes.len();
                }
                ("loom", Some(mode)) => {
                    counts.executions.insert(mode.clone(), run.executions);
                }
                _ => {}
            }
        }
        golden
    }

    /// As the text of the file.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("plain data") + "\n"
    }

    /// The counts of a scenario under a strategy, if it has any.
    pub fn of_run(&self, scenario: &str, strategy: Strategy) -> Option<&Counts> {
        self.0.get(scenario)?.get(strategy.name())
    }

    /// What is wrong with the counts of a run, if they are not the golden ones.
    pub fn complaint(&self, run: &Run) -> Option<Violation> {
        if run.engine != "spec" && run.engine != "loom" {
            return None;
        }
        let Some(counts) = self.0.get(&run.scenario)?.get(&run.strategy) else {
            let why = format!("the golden file has no counts for the strategy {}", run.strategy);
            return Some(Violation::unnamed(why));
        };
        let (what, found, golden) = match (run.engine.as_str(), &run.mode) {
            ("spec", _) if run.states != counts.states => ("states", run.states as u64, counts.states as u64),
            ("spec", _) if run.executions != counts.transitions => ("transitions", run.executions, counts.transitions),
            ("spec", _) if run.outcomes.len() != counts.outcomes => {
                ("outcomes", run.outcomes.len() as u64, counts.outcomes as u64)
            }
            ("loom", Some(mode)) if counts.executions.get(mode) != Some(&run.executions) => {
                ("executions", run.executions, counts.executions.get(mode).copied().unwrap_or(0))
            }
            _ => return None,
        };
        let why = format!("{found} {what}, but the golden file says {golden}");
        Some(Violation::unnamed(why))
    }
}

#[cfg(test)]
mod tests {
    use super::{Counts, Golden, SHIPPED};
    use crate::engine::strategy::available;
    use crate::job::Task;
    use crate::report::Run;
    use crate::scenario::{Scenario, Strategy, shipped};
    use crate::spec::{Rules, explore};

    /// Every shipped scenario with each strategy of this build that it is for.
    fn pairs() -> impl Iterator<Item = (Scenario, Strategy)> {
        let of = |scenario: Scenario| {
            let strategies = available().into_iter().filter(|strategy| scenario.strategies.contains(strategy));
            strategies.map(|strategy| (scenario.clone(), strategy)).collect::<Vec<_>>()
        };
        shipped().into_iter().flat_map(of)
    }

    /// A run on the specification with these counts.
    fn on_spec(scenario: &Scenario, strategy: Strategy, counts: &Counts) -> Run {
        Run {
            executions: counts.transitions,
            states: counts.states,
            outcomes: vec![String::new(); counts.outcomes],
            ..Run::begun(scenario, strategy, "spec", None)
        }
    }

    /// A run under loom with these counts.
    fn on_loom(scenario: &Scenario, strategy: Strategy, mode: &'static str, counts: &Counts) -> Run {
        Run { executions: counts.executions[mode], ..Task::Loom { mode }.run(scenario, strategy) }
    }

    fn complaint(golden: &Golden, run: &Run) -> Option<String> {
        golden.complaint(run).map(|violation| violation.to_string())
    }

    fn one_message() -> Scenario {
        shipped().into_iter().find(|scenario| scenario.name == "one-message").expect("shipped")
    }

    fn counts<'a>(golden: &'a mut Golden, scenario: &Scenario, strategy: Strategy) -> &'a mut Counts {
        let of_scenario = golden.0.get_mut(&scenario.name).unwrap_or_else(|| panic!("{}", scenario.name));
        of_scenario.get_mut(strategy.name()).unwrap_or_else(|| panic!("{}, {}", scenario.name, strategy.name()))
    }

    /// The golden file has exactly the shipped scenarios, each under its strategies, each with states, transitions, outcomes
    /// and both modes of loom.
    #[test]
    fn every_shipped_scenario_is_golden() {
        let golden = Golden::shipped();
        let found =
            golden.0.iter().flat_map(|(name, of)| of.keys().map(move |strategy| (name.clone(), strategy.clone())));
        let mut expected: Vec<_> =
            pairs().map(|(scenario, strategy)| (scenario.name, strategy.name().to_owned())).collect();
        expected.sort();
        assert_eq!(found.collect::<Vec<_>>(), expected);
        for (name, counts) in golden.0.iter().flat_map(|(name, of)| of.values().map(move |counts| (name, counts))) {
            assert!(counts.states > 0 && counts.transitions > 0 && counts.outcomes > 0, "{name}");
            assert_eq!(counts.executions.keys().map(String::as_str).collect::<Vec<_>>(), ["plain", "rmw"], "{name}");
            assert!(counts.executions.values().all(|&executions| executions > 0), "{name}");
        }
    }

    /// What the golden file says of the specification is so: of every shipped scenario, under each of its strategies.
    #[test]
    fn the_specification_has_its_golden_counts() {
        let golden = Golden::shipped();
        for (scenario, strategy) in pairs() {
            let exploration = explore(&Rules::new(&scenario, strategy), None).expect("no limit was set");
            let counts = Counts {
                states: exploration.states.len(),
                transitions: exploration.transitions as u64,
                outcomes: exploration.outcomes.len(),
                ..Counts::default()
            };
            let run = on_spec(&scenario, strategy, &counts);
            assert_eq!(complaint(&golden, &run), None, "{}, {}", scenario.name, strategy.name());
        }
    }

    /// What `of` collects from runs is what `complaint` compares them with, and `to_json` what the file holds.
    #[test]
    fn the_golden_counts_are_those_of_the_runs() {
        let mut golden = Golden::shipped();
        assert_eq!(golden.to_json(), SHIPPED);
        let mut runs = Vec::new();
        for (scenario, strategy) in pairs() {
            let counts = counts(&mut golden, &scenario, strategy);
            runs.extend([
                on_spec(&scenario, strategy, counts),
                on_loom(&scenario, strategy, "plain", counts),
                on_loom(&scenario, strategy, "rmw", counts),
            ]);
        }
        assert_eq!(Golden::of(&runs), golden);
        assert!(runs.iter().all(|run| complaint(&golden, run).is_none()));
    }

    /// One more or one less of anything is a complaint with both numbers.
    #[test]
    fn a_changed_count_is_a_complaint() {
        let (mut golden, scenario, strategy) = (Golden::shipped(), one_message(), Strategy::View);
        // Two outcomes, so that one less is not none.
        counts(&mut golden, &scenario, strategy).outcomes = 2;
        let counts = counts(&mut golden, &scenario, strategy).clone();
        let assert_complaint = |run: &Run, found: u64, what: &str, golden_count: u64| {
            let says = format!("{found} {what}, but the golden file says {golden_count}");
            assert_eq!(complaint(&golden, run), Some(says));
        };
        for change in [-1, 1] {
            let mut run = on_spec(&scenario, strategy, &counts);
            run.states = run.states.strict_add_signed(change);
            assert_complaint(&run, run.states as u64, "states", counts.states as u64);
            let mut run = on_spec(&scenario, strategy, &counts);
            run.executions = run.executions.strict_add_signed(change as i64);
            assert_complaint(&run, run.executions, "transitions", counts.transitions);
            let mut run = on_spec(&scenario, strategy, &counts);
            run.outcomes.resize(counts.outcomes.strict_add_signed(change), String::new());
            assert_complaint(&run, run.outcomes.len() as u64, "outcomes", counts.outcomes as u64);
            for mode in ["plain", "rmw"] {
                let mut run = on_loom(&scenario, strategy, mode, &counts);
                run.executions = run.executions.strict_add_signed(change as i64);
                assert_complaint(&run, run.executions, "executions", counts.executions[mode]);
            }
        }
    }

    /// A mode or a strategy that the golden file does not know is a complaint as well: nothing runs uncounted.
    #[test]
    fn a_mode_or_a_strategy_without_a_count_is_a_complaint() {
        let (mut golden, scenario) = (Golden::shipped(), one_message());
        let run = on_loom(&scenario, Strategy::View, "rmw", counts(&mut golden, &scenario, Strategy::View));
        counts(&mut golden, &scenario, Strategy::View).executions.remove("rmw");
        let says = format!("{} executions, but the golden file says 0", run.executions);
        assert_eq!(complaint(&golden, &run), Some(says));
        golden.0.get_mut(&scenario.name).expect("golden").remove(Strategy::View.name());
        let says = "the golden file has no counts for the strategy view";
        assert_eq!(complaint(&golden, &run).as_deref(), Some(says));
    }

    /// Real threads are not counted, nor is a scenario that does not ship.
    #[test]
    fn what_is_not_golden_is_not_compared() {
        let (golden, strategy) = (Golden::shipped(), Strategy::View);
        assert_eq!(complaint(&golden, &Task::Threads { rounds: 7 }.run(&one_message(), strategy)), None);
        let unknown = Scenario { name: "unknown".to_owned(), ..one_message() };
        assert_eq!(complaint(&golden, &Task::Control.run(&unknown, strategy)), None);
        assert_eq!(complaint(&Golden::none(), &Task::Control.run(&one_message(), strategy)), None);
    }
}
