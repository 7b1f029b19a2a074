//! What all executions of a scenario have visited together.
//!
//! Loom explores one order of each set of equivalent orders: executions that differ only in the order of independent steps
//! are one execution to it. The states that lie on the other orders are visited by the code just as well, so
//! [`Graph::finish`] adds them: it takes every order of the execution's steps that keeps dependent steps in order (same
//! thread, or a common object that one of them changes), and walks it in the specification. Only steps
//! that an execution took are reordered, so a state or an outcome that the code cannot reach is not added.

use crate::scenario::{Scenario, Strategy, Thread};
use crate::spec::{Action, Footprint, Refusal, Reported, Rules, State, Violation};
use std::collections::{BTreeSet, HashMap, HashSet};

/// A state, interned.
pub(super) type StateId = u32;

/// The states, steps and outcomes that executions have visited.
pub struct Graph {
    rules: Rules,
    states: Vec<State>,
    ids: HashMap<State, StateId>,
    steps: HashMap<(StateId, Action), StateId>,
    visited: HashSet<StateId>,
    /// One order of each set of equivalent orders.
    orders: HashSet<Vec<Action>>,
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
        Self {
            rules: Rules::new(scenario, strategy),
            states: Vec::new(),
            ids: HashMap::new(),
            steps: HashMap::new(),
            visited: HashSet::new(),
            orders: HashSet::new(),
            outcomes: BTreeSet::new(),
            executions: 0,
            remembers: !scenario.is_large(),
        }
    }

    /// Executions finished.
    pub fn executions(&self) -> u64 {
        self.executions
    }

    /// Abstract states visited.
    pub fn visited(&self) -> usize {
        self.visited.len()
    }

    /// Outcomes seen.
    pub fn outcomes(&self) -> &BTreeSet<String> {
        &self.outcomes
    }

    /// Compares with what the specification reaches.
    pub fn agreement(&self, states: &HashSet<State>, outcomes: &BTreeSet<String>) -> Agreement {
        let known = |id: &&StateId| states.contains(&self.states[**id as usize]);
        let common = self.visited.iter().filter(known).count();
        Agreement {
            states_missing: states.len() - common,
            states_extra: self.visited.len() - common,
            outcomes_missing: outcomes.difference(&self.outcomes).cloned().collect(),
            outcomes_extra: self.outcomes.difference(outcomes).cloned().collect(),
        }
    }

    pub(super) fn scenario(&self) -> &Scenario {
        self.rules.scenario()
    }

    pub(super) fn strategy(&self) -> Strategy {
        self.rules.strategy()
    }

    pub(super) fn initial(&mut self) -> StateId {
        let initial = self.rules.initial();
        if !self.remembers {
            self.states = vec![initial.clone(), initial];
            return 0;
        }
        self.intern(initial)
    }

    fn state(&self, id: StateId) -> &State {
        &self.states[id as usize]
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
        if let Some(&known) = self.steps.get(&(from, action)) {
            return Ok(known);
        }
        let next = self.rules.step(self.state(from), action)?;
        self.rules.check(&next).map_err(|Violation { guarantee, why }| {
            let why = format!("after {}: {why}", self.narrate(from, action));
            Refusal::Violation(Violation { guarantee, why })
        })?;
        if !self.remembers {
            let other = 1 - from;
            self.states[other as usize] = next;
            return Ok(other);
        }
        let next = self.intern(next);
        self.steps.insert((from, action), next);
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
        let initial = self.initial();
        let mut done = HashSet::from([order.nothing()]);
        let mut stack = vec![(order.nothing(), initial)];
        while let Some((cut, state)) = stack.pop() {
            self.visited.insert(state);
            for thread in 0..order.threads.len() {
                if let Some((action, longer)) = order.advance(&cut, thread)
                    && done.insert(longer.clone())
                {
                    let next = self.step(state, action)?;
                    stack.push((longer, next));
                }
            }
        }
        Ok(())
    }

    fn intern(&mut self, state: State) -> StateId {
        if let Some(&id) = self.ids.get(&state) {
            return id;
        }
        let id = StateId::try_from(self.states.len()).expect("states fit into memory");
        self.states.push(state.clone());
        self.ids.insert(state, id);
        id
    }
}

/// How many of its steps each thread has done.
type Cut = Vec<usize>;

/// The steps of an execution as a partial order: a step comes after all earlier steps that it depends on.
struct Order<'a> {
    trace: &'a [Action],
    /// For each thread, where its steps are in the trace.
    threads: Vec<Vec<usize>>,
    /// For each step, how many steps of each thread must be done before it.
    before: Vec<Cut>,
}

impl<'a> Order<'a> {
    fn of(trace: &'a [Action], footprints: &[Footprint]) -> Self {
        let count = trace.iter().map(|action| action.thread + 1).max().unwrap_or(0);
        let mut threads: Vec<Vec<usize>> = vec![Vec::new(); count];
        let mut before = Vec::with_capacity(trace.len());
        for (index, &action) in trace.iter().enumerate() {
            let depends = |earlier: usize| {
                trace[earlier].thread == action.thread || footprints[earlier].conflicts(&footprints[index])
            };
            let needed = |steps: &Vec<usize>| {
                let last = steps.iter().rposition(|&earlier| depends(earlier));
                last.map_or(0, |position| position + 1)
            };
            before.push(threads.iter().map(needed).collect());
            threads[action.thread].push(index);
        }
        Self { trace, threads, before }
    }

    fn nothing(&self) -> Cut {
        vec![0; self.threads.len()]
    }

    /// The thread's next step after a cut, if what it depends on is done.
    fn advance(&self, cut: &Cut, thread: usize) -> Option<(Action, Cut)> {
        let &index = self.threads[thread].get(cut[thread])?;
        let ready = self.before[index].iter().zip(cut).all(|(needed, done)| needed <= done);
        ready.then(|| {
            let mut longer = cut.clone();
            longer[thread] += 1;
            (self.trace[index], longer)
        })
    }

    /// The equivalent order in which the lowest thread that can go on always does.
    fn canonical(&self) -> Vec<Action> {
        let mut cut = self.nothing();
        let mut order = Vec::with_capacity(self.trace.len());
        while let Some((action, longer)) = (0..self.threads.len()).find_map(|thread| self.advance(&cut, thread)) {
            order.push(action);
            cut = longer;
        }
        order
    }
}
