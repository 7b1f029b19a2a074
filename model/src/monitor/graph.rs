//! What all executions of a scenario have visited together.
//!
//! Loom explores one order of each set of equivalent orders: executions that differ only in the order of independent steps
//! are one execution to it. The states that lie on the other orders are visited by the code just as well, so
//! [`Graph::finish`] adds them: it takes every order of the execution's steps that keeps dependent steps in order (same
//! thread, or a common object that one of them changes), and walks it in the specification. Only steps
//! that an execution took are reordered, so a state or an outcome that the code cannot reach is not added.

use super::order::Order;
use crate::scenario::{Scenario, Strategy, Thread};
use crate::spec::{Action, Footprint, Refusal, Reported, Rules, State, Violation};
use ahash::{AHashMap, AHashSet};
use std::collections::{BTreeSet, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A state, interned. The first is the initial one.
pub(super) type StateId = u32;

/// A state that is hashed once, however often it is looked for and moved.
struct Hashed {
    state: State,
    hash: u64,
}

impl Hash for Hashed {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.hash);
    }
}

impl PartialEq for Hashed {
    fn eq(&self, other: &Self) -> bool {
        self.state == other.state
    }
}

impl Eq for Hashed {}

/// A state, and what is known of it.
struct Known {
    hashed: Arc<Hashed>,
    /// The steps that were taken from it, and where they lead: a few at most, so that looking is faster than hashing.
    steps: Vec<(Action, StateId)>,
    is_visited: bool,
}

impl Known {
    fn new(hashed: Arc<Hashed>) -> Self {
        Self { hashed, steps: Vec::new(), is_visited: false }
    }
}

/// The states, steps and outcomes that executions have visited.
pub struct Graph {
    rules: Rules,
    states: Vec<Known>,
    ids: AHashMap<Arc<Hashed>, StateId>,
    visited: usize,
    /// One order of each set of equivalent orders.
    orders: AHashSet<Vec<Action>>,
    outcomes: BTreeSet<String>,
    executions: u64,
    /// Whether states are remembered. Those of a large scenario are too many: of them there are two at a time, the one that a
    /// step is from and the one that it leads to, and the rest stays empty. Executions are followed all the same.
    remembers: bool,
}

/// How what the code visited compares with what the specification reaches.
#[derive(Clone, Debug, Default)]
pub struct Agreement {
    /// States that the specification reaches and the code does not.
    pub states_missing: usize,
    /// States that the code visits and the specification does not reach.
    pub states_extra: usize,
    /// Outcomes that the specification allows and the code does not show.
    pub outcomes_missing: Vec<String>,
    /// Outcomes that the code shows and the specification does not allow.
    pub outcomes_extra: Vec<String>,
}

impl Agreement {
    /// Whether the code's outcomes and states are exactly the specification's.
    pub fn is_exact(&self) -> bool {
        self.is_subset() && self.states_missing == 0 && self.outcomes_missing.is_empty()
    }

    /// Whether the code does nothing that the specification does not do.
    pub fn is_subset(&self) -> bool {
        self.states_extra == 0 && self.outcomes_extra.is_empty()
    }
}

impl Graph {
    /// Nothing visited yet.
    pub fn new(scenario: &Scenario, strategy: Strategy) -> Self {
        let rules = Rules::new(scenario, strategy);
        let initial = rules.initial();
        let mut graph = Self {
            rules,
            states: Vec::new(),
            ids: AHashMap::new(),
            visited: 0,
            orders: AHashSet::new(),
            outcomes: BTreeSet::new(),
            executions: 0,
            remembers: !scenario.is_large(),
        };
        graph.add(graph.hashed(initial));
        graph
    }

    /// Executions finished.
    pub fn executions(&self) -> u64 {
        self.executions
    }

    /// Abstract states visited.
    pub fn visited(&self) -> usize {
        self.visited
    }

    /// Outcomes seen.
    pub fn outcomes(&self) -> &BTreeSet<String> {
        &self.outcomes
    }

    /// Compares with what the specification reaches.
    pub fn agreement(&self, states: &HashSet<State>, outcomes: &BTreeSet<String>) -> Agreement {
        let visited = self.states.iter().filter(|known| known.is_visited);
        let common = visited.filter(|known| states.contains(&known.hashed.state)).count();
        Agreement {
            states_missing: states.len() - common,
            states_extra: self.visited - common,
            outcomes_missing: outcomes.difference(&self.outcomes).cloned().collect(),
            outcomes_extra: self.outcomes.difference(outcomes).cloned().collect(),
        }
    }

    pub(super) fn scenario(&self) -> &Scenario {
        self.rules.scenario()
    }

    pub(super) fn initial(&mut self) -> StateId {
        if !self.remembers {
            let initial = Arc::new(self.hashed(self.rules.initial()));
            self.states = vec![Known::new(Arc::clone(&initial)), Known::new(initial)];
        }
        0
    }

    fn state(&self, id: StateId) -> &State {
        &self.states[id as usize].hashed.state
    }

    /// The numbers that the code must report for a step.
    pub(super) fn reported(&self, before: StateId, action: Action, after: StateId) -> Reported {
        self.rules.reported(self.state(before), action, self.state(after))
    }

    /// A step in words: "receiver receives x from c".
    pub(super) fn narrate(&self, state: StateId, action: Action) -> String {
        let thread = self.scenario().threads.get(action.thread).map_or("?", |thread| &thread.name);
        format!("{thread} {}", self.rules.narrate(self.state(state), action))
    }

    /// That a thread did what it does not want: "receiver dropped a view, but wants: leaves B".
    pub(super) fn explain_unwanted(&self, state: StateId, thread: Thread, did: &str) -> String {
        let name = self.scenario().threads.get(thread).map_or("?", |thread| &thread.name);
        let wanted = self.rules.wants_in_words(self.state(state), thread);
        format!("{name} {did}, but wants: {wanted}")
    }

    pub(super) fn wants(&self, id: StateId, thread: Thread) -> Vec<Action> {
        self.rules.wants(self.state(id), thread)
    }

    pub(super) fn step(&mut self, from: StateId, action: Action) -> Result<StateId, Refusal> {
        if let Some(&(_, known)) = self.states[from as usize].steps.iter().find(|(taken, _)| *taken == action) {
            return Ok(known);
        }
        let next = self.hashed(self.rules.step(self.state(from), action)?);
        // What is known has been checked; nothing leads back to the initial state.
        let known = self.ids.get(&next).copied();
        if known.is_none() {
            self.rules.check(&next.state).map_err(|Violation { guarantee, why }| {
                let why = format!("after {}: {why}", self.narrate(from, action));
                Refusal::Violation(Violation { guarantee, why })
            })?;
        }
        if !self.remembers {
            let other = 1 - from;
            self.states[other as usize].hashed = Arc::new(next);
            return Ok(other);
        }
        let next = known.unwrap_or_else(|| self.add(next));
        self.states[from as usize].steps.push((action, next));
        Ok(next)
    }

    /// An execution has ended in `state` with this outcome after these steps.
    pub(super) fn finish(
        &mut self,
        state: StateId,
        outcome: &str,
        trace: &[Action],
    ) -> Result<(), (Option<&'static str>, String)> {
        let end = self.state(state);
        self.rules.check_end(end).map_err(|violation| (Some(violation.guarantee.id()), violation.why))?;
        let specified = self.rules.outcome(end);
        if specified != outcome {
            let why =
                format!("the outcome is {outcome:?}, and in the specification, after the same steps, {specified:?}");
            return Err((None, why));
        }
        self.executions += 1;
        if !self.remembers {
            return Ok(());
        }
        if !self.outcomes.contains(outcome) {
            self.outcomes.insert(outcome.to_owned());
        }
        let stuck = |refusal| (None, format!("independent steps do not commute in the specification: {refusal}"));
        let footprints = self.footprints(trace).map_err(stuck)?;
        let order = Order::of(trace, &footprints);
        if self.orders.insert(order.canonical()) {
            self.visit_all_orders(&order).map_err(stuck)?;
        }
        Ok(())
    }

    /// What each step of an execution touches. It is the same in every equivalent order: besides the step it depends on
    /// the thread's own state only.
    fn footprints(&mut self, trace: &[Action]) -> Result<Vec<Footprint>, Refusal> {
        let mut state = self.initial();
        let mut footprints = Vec::with_capacity(trace.len());
        for &action in trace {
            footprints.push(self.rules.footprint(self.state(state), action));
            state = self.step(state, action)?;
        }
        Ok(footprints)
    }

    /// Visits every state on every order equivalent to the execution's.
    fn visit_all_orders(&mut self, order: &Order<'_>) -> Result<(), Refusal> {
        let mut stack = vec![(Order::NOTHING, self.initial())];
        while let Some((cut, state)) = stack.pop() {
            self.visit(state);
            for (action, longer) in order.grown(&cut) {
                stack.push((longer, self.step(state, action)?));
            }
        }
        Ok(())
    }

    fn visit(&mut self, id: StateId) {
        let known = &mut self.states[id as usize];
        self.visited += usize::from(!known.is_visited);
        known.is_visited = true;
    }

    fn hashed(&self, state: State) -> Hashed {
        Hashed { hash: self.ids.hasher().hash_one(&state), state }
    }

    fn add(&mut self, hashed: Hashed) -> StateId {
        let id = StateId::try_from(self.states.len()).expect("states fit into memory");
        let hashed = Arc::new(hashed);
        self.states.push(Known::new(Arc::clone(&hashed)));
        self.ids.insert(hashed, id);
        id
    }
}
