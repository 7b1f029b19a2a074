//! Breadth-first search through all states.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::error::Error;
use std::fmt;
use std::mem;

use super::Rules;
use super::action::{Action, Cause, Kind};
use super::guarantee::{Guarantee, Violation};
use super::operation::Operation;
use super::state::State;
use super::witness::Witnesses;

/// What exploration found.
#[derive(Clone, Debug, Default)]
pub struct Exploration {
    /// Every reachable state. Only those seen so far if there is a violation.
    pub states: HashSet<State>,
    /// The actions between them.
    pub transitions: usize,
    /// The outcomes of all finished states: see [`Rules::outcome`].
    pub outcomes: BTreeSet<String>,
    /// During which operation a thread acquired a lock that was not its own, and why: see [`Rules::is_foreign`].
    pub lock_table: BTreeSet<(Operation, Cause)>,
    /// The situations that were reached.
    pub witnesses: Witnesses,
    /// A shortest way to break a guarantee, if there is one. Exploration stops there.
    pub violation: Option<Counterexample>,
}

/// A way to break a guarantee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counterexample {
    /// The actions from the initial state on. The last one breaks the guarantee, by itself or by the state that it
    /// leads to. Empty if the initial state is broken.
    pub path: Vec<Action>,
    /// What broke.
    pub violation: Violation,
}

/// Exploration was given up: the scenario has more states than it was allowed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooBig {
    /// How many states it was allowed to have.
    pub limit: usize,
}

impl fmt::Display for TooBig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "too big: more than {} states", self.limit)
    }
}

impl Error for TooBig {}

/// Explores every state that a scenario can reach: each is held against the law, each finished one against what must
/// hold at the end. Then it looks whether every way ends (G6): nobody waits for ever, and nobody goes round in circles.
///
/// # Errors
///
/// [`TooBig`] if there are more states than `limit`. Nothing is ever cut off silently.
pub fn explore(rules: &Rules, limit: Option<usize>) -> Result<Exploration, TooBig> {
    let mut search = Search::new(rules);
    while !search.frontier.is_empty() && search.found.violation.is_none() {
        search.advance();
        if let Some(limit) = limit.filter(|&limit| search.ids.len() > limit) {
            return Err(TooBig { limit });
        }
    }
    if search.found.violation.is_none() {
        search.look_for_rounds();
    }
    search.found.states = search.ids.into_keys().collect();
    Ok(search.found)
}

/// The number of a state, in the order of discovery.
type Id = u32;

struct Search<'a> {
    rules: &'a Rules,
    ids: HashMap<State, Id>,
    /// For each state how it was reached first.
    parents: Vec<Option<(Id, Action)>>,
    /// All transitions.
    edges: Vec<(Id, Id)>,
    /// The states of the present distance from the initial one.
    frontier: Vec<(Id, State)>,
    /// The states found from the frontier so far.
    next: Vec<(Id, State)>,
    found: Exploration,
}

impl<'a> Search<'a> {
    fn new(rules: &'a Rules) -> Self {
        let initial = rules.initial();
        Self {
            rules,
            ids: HashMap::from([(initial.clone(), 0)]),
            parents: vec![None],
            edges: vec![],
            frontier: vec![(0, initial)],
            next: vec![],
            found: Exploration::default(),
        }
    }

    /// Looks at all states of one distance, then at their successors: what is wrong with a state is a shorter
    /// counterexample than what is wrong with an action from it.
    fn advance(&mut self) {
        let frontier = mem::take(&mut self.frontier);
        for (id, state) in &frontier {
            if let Err(violation) = self.look_at(state) {
                self.found.violation = Some(Counterexample { path: self.path_to(*id), violation });
                return;
            }
        }
        for (id, state) in &frontier {
            if let Err(counterexample) = self.expand(*id, state) {
                self.found.violation = Some(counterexample);
                return;
            }
        }
        self.frontier = mem::take(&mut self.next);
    }

    fn look_at(&mut self, state: &State) -> Result<(), Violation> {
        let rules = self.rules;
        rules.judge_state(state)?;
        self.found.witnesses = self.found.witnesses.union(rules.witnesses(state));
        if rules.finished(state) {
            self.found.outcomes.insert(rules.outcome(state));
        }
        Ok(())
    }

    fn expand(&mut self, id: Id, state: &State) -> Result<(), Counterexample> {
        for action in self.rules.enabled(state) {
            match self.rules.judge_step(state, action) {
                Ok(successor) => {
                    if let (Kind::Enter { cause, .. }, true) = (action.kind, self.rules.is_foreign(state, action)) {
                        self.found.lock_table.insert((self.rules.operation(state, action.thread), cause));
                    }
                    self.reach(id, action, successor);
                }
                Err(violation) => {
                    let mut path = self.path_to(id);
                    path.push(action);
                    return Err(Counterexample { path, violation });
                }
            }
        }
        Ok(())
    }

    fn reach(&mut self, from: Id, action: Action, state: State) {
        let fresh = self.parents.len() as Id;
        let id = *self.ids.entry(state).or_insert_with_key(|state| {
            self.next.push((fresh, state.clone()));
            fresh
        });
        if id == fresh {
            self.parents.push(Some((from, action)));
        }
        self.edges.push((from, id));
        self.found.transitions += 1;
    }

    fn path_to(&self, mut id: Id) -> Vec<Action> {
        let mut path = vec![];
        while let Some((parent, action)) = self.parents[id as usize] {
            path.push(action);
            id = parent;
        }
        path.reverse();
        path
    }

    /// G6: every way ends. There is no deadlock any more, so a way that does not end goes round in circles.
    fn look_for_rounds(&mut self) {
        let mut edges = mem::take(&mut self.edges);
        take_away_ends(self.parents.len(), &mut edges);
        edges.iter_mut().for_each(|edge| *edge = (edge.1, edge.0));
        let rounds = take_away_ends(self.parents.len(), &mut edges);
        let nearest = rounds.iter().position(|&on_round| on_round);
        self.found.violation = nearest.map(|id| self.go_round(self.path_to(id as Id), &rounds));
    }

    /// Continues a path to a round, or between two of them, until it comes back to a state.
    fn go_round(&self, mut path: Vec<Action>, rounds: &[bool]) -> Counterexample {
        let replay = |state: State, &action: &Action| self.rules.step(&state, action).unwrap_or(state);
        let mut state = path.iter().fold(self.rules.initial(), replay);
        let mut seen = HashMap::new();
        let length = loop {
            if let Some(before) = seen.insert(state.clone(), path.len()) {
                break path.len() - before;
            }
            let stays =
                |action: &Action| self.rules.step(&state, *action).is_ok_and(|next| rounds[self.ids[&next] as usize]);
            let Some(action) = self.rules.enabled(&state).into_iter().find(stays) else { break 0 };
            state = replay(state, &action);
            path.push(action);
        };
        let why = format!("the last {length} actions can repeat for ever");
        Counterexample { path, violation: Violation::new(Guarantee::G6, why) }
    }
}

/// Takes away the states that no edge leaves, again and again, with the edges that lead to them. What remains lies on a
/// round, or on a way to one.
fn take_away_ends(states: usize, edges: &mut Vec<(Id, Id)>) -> Vec<bool> {
    edges.sort_unstable_by_key(|&(_, to)| to);
    let mut ways_on = vec![0_u32; states];
    edges.iter().for_each(|&(from, _)| ways_on[from as usize] += 1);
    let mut ends: Vec<Id> = (0..states as Id).filter(|&id| ways_on[id as usize] == 0).collect();
    while let Some(end) = ends.pop() {
        let begin = edges.partition_point(|&(_, to)| to < end);
        for &(from, _) in edges[begin..].iter().take_while(|&&(_, to)| to == end) {
            ways_on[from as usize] -= 1;
            if ways_on[from as usize] == 0 {
                ends.push(from);
            }
        }
    }
    edges.retain(|&(_, to)| ways_on[to as usize] > 0);
    ways_on.into_iter().map(|ways| ways > 0).collect()
}
