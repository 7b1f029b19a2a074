//! The specification, explored exhaustively, twice: by our own breadth-first search, which keeps the states and finds
//! shortest counterexamples, and by stateright, a second opinion on the count and on every property.

use crate::report::{self, Run};
use crate::scenario::{Scenario, Strategy};
use crate::spec::{Action, Exploration, Guarantee, Rules, State, Violation, explore};
use stateright::{Checker, Model, Property};
use std::sync::Arc;
use std::time::Instant;

/// A scenario with more states than this is too big to be explored on the way to something else. No shipped one has as
/// many.
const MOST_STATES: usize = 50_000;
/// One whose threads can be at more places than this has far more states: it is not even tried.
const MOST_PLACES: usize = 1_000;

/// All of a scenario; `None` if it is [large](Scenario::is_large), or too big. Whoever asks says so.
pub fn explore_unless_big(scenario: &Scenario, strategy: Strategy) -> Option<Exploration> {
    let places = || scenario.threads.iter().map(|thread| 1 + thread.preorder().len()).product::<usize>();
    let is_tried = !scenario.is_large() && places() <= MOST_PLACES;
    is_tried.then(|| explore(&Rules::new(scenario, strategy), Some(MOST_STATES)).ok()).flatten()
}

/// All of a specification, and the run for the report.
pub fn explored(rules: &Rules) -> (Run, Exploration) {
    let start = Instant::now();
    let exploration = explore(rules, None).expect("no limit was set");
    let found = exploration.violation.iter().map(|found| report::Violation::found(rules.scenario(), found));
    let run = Run {
        executions: exploration.transitions as u64,
        states: exploration.states.len(),
        outcomes: exploration.outcomes.iter().cloned().collect(),
        agrees_with_spec: true,
        violations: found.collect(),
        seconds: start.elapsed().as_secs_f64(),
        ..Run::begun(rules.scenario(), rules.strategy(), "spec", None)
    };
    (run.judged(), exploration)
}

/// What stateright found.
#[derive(Clone, Debug)]
pub struct SecondOpinion {
    /// Unique states, broken ones included.
    pub states: usize,
    /// Names of the properties that do not hold.
    pub violated: Vec<String>,
}

/// Explores a scenario with stateright, with no bound.
pub fn second_opinion(rules: Rules) -> SecondOpinion {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let checker = Judged { rules: Arc::new(rules) }.checker().threads(threads).spawn_bfs().join();
    let mut violated: Vec<String> = checker.discoveries().keys().map(|&name| name.to_owned()).collect();
    violated.sort();
    SecondOpinion { states: checker.unique_state_count(), violated }
}

/// The specification as a stateright model. A state that breaks a guarantee is a state as well, without successors.
struct Judged {
    rules: Arc<Rules>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Situation {
    Lawful(Box<State>),
    Broken(Guarantee),
}

impl Model for Judged {
    type State = Situation;
    type Action = Action;

    fn init_states(&self) -> Vec<Situation> {
        vec![Situation::Lawful(Box::new(self.rules.initial()))]
    }

    fn actions(&self, situation: &Situation, actions: &mut Vec<Action>) {
        if let Situation::Lawful(state) = situation {
            actions.extend(self.rules.enabled(state));
        }
    }

    fn next_state(&self, situation: &Situation, action: Action) -> Option<Situation> {
        let Situation::Lawful(state) = situation else { return None };
        Some(match self.judge(state, action) {
            Ok(next) => Situation::Lawful(Box::new(next)),
            Err(violation) => Situation::Broken(violation.guarantee),
        })
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            property::<1>("G1 lock discipline"),
            property::<2>("G2 no mutable alias"),
            property::<3>("G3 counting"),
            property::<4>("G4 one lock"),
            property::<5>("G5 exactly once"),
            property::<6>("G6 progress"),
            property::<7>("G7 lifetime"),
            property::<8>("G8 release cannot fail"),
            property::<9>("G9 ends"),
        ]
    }
}

fn property<const NUMBER: usize>(name: &'static str) -> Property<Judged> {
    Property::always(name, |_, situation| *situation != Situation::Broken(Guarantee::ALL[NUMBER - 1]))
}

impl Judged {
    fn judge(&self, state: &State, action: Action) -> Result<State, Violation> {
        let next = self.rules.judge_step(state, action)?;
        self.rules.judge_state(&next)?;
        Ok(next)
    }
}
