//! The specification of one thread, as it goes on: a scenario that grows by a step at a time.

use proptest::prelude::{BoxedStrategy, Just, Strategy as _, prop, prop_oneof};
use proptest_state_machine::ReferenceStateMachine;
use std::collections::BTreeMap;
use viewchan_model::scenario::{
    BufferDecl, ChannelDecl, Holding, Interpreter, Located, Patience, Scenario, Step, Strategy, ThreadDecl, Tier,
    Undelivered, Variable,
};
use viewchan_model::spec::{Action, Cause, Kind, Rules, State};

/// Of returned buffers.
pub(crate) const BATCH: usize = 2;
/// The interpreters that the thread attaches to, the last one only to show where the steps end.
pub(crate) const INTERPRETERS: [&str; 3] = ["A", "B", "End"];
/// Where the steps end.
const MARK: Interpreter = 2;
/// The buffers and their owners.
pub(crate) const BUFFERS: [(&str, Interpreter); 2] = [("x", 0), ("y", 1)];
/// The channels and their capacities.
pub(crate) const CHANNELS: [(&str, Option<usize>, Undelivered); 3] =
    [("c", Some(1), Undelivered::Deliver), ("d", None, Undelivered::Error), ("e", Some(2), Undelivered::Remove)];
/// What the thread holds from the start, in this order.
pub(crate) const HOLDS: [Holding; 8] = [
    Holding::Handle(0),
    Holding::Handle(1),
    Holding::SendEnd(0),
    Holding::ReceiveEnd(0),
    Holding::SendEnd(1),
    Holding::ReceiveEnd(1),
    Holding::SendEnd(2),
    Holding::ReceiveEnd(2),
];

/// A step of the thread, attached to an interpreter or to nobody.
#[derive(Clone, Debug)]
pub(crate) struct Act {
    pub(crate) at: Option<Interpreter>,
    /// Its target, if it has one, is the next new variable, whatever stands here.
    pub(crate) step: Step,
}

/// What can be seen after a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Observation {
    /// The results of all steps so far.
    pub(crate) results: String,
    /// References and exports of each buffer.
    pub(crate) counts: Vec<(usize, usize)>,
    /// Messages in each channel.
    pub(crate) queued: Vec<usize>,
}

/// The scenario so far.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    scenario: Scenario,
    strategy: Strategy,
}

/// The state machine.
pub(crate) struct Specification;

impl ReferenceStateMachine for Specification {
    type State = Reference;
    type Transition = Act;

    fn init_state() -> BoxedStrategy<Reference> {
        prop::sample::select(Strategy::OF_CHANNELS.to_vec()).prop_map(Reference::new).boxed()
    }

    fn transitions(reference: &Reference) -> BoxedStrategy<Act> {
        let at = prop_oneof![6 => (0..MARK).prop_map(Some), 1 => Just(None)];
        (at, steps(reference.variables())).prop_map(|(at, step)| Act { at, step }).boxed()
    }

    /// Only what ends: a thread that is alone must not wait for what nobody will do.
    fn preconditions(reference: &Reference, act: &Act) -> bool {
        reference.after(act).is_some()
    }

    fn apply(reference: Reference, act: &Act) -> Reference {
        reference.after(act).unwrap_or(reference)
    }
}

/// Any step on any of the variables. What they hold is not looked at: a step on the wrong thing is skipped.
fn steps(variables: usize) -> BoxedStrategy<Step> {
    let patience = prop::sample::select(vec![Patience::Never, Patience::Forever, Patience::Deadline]);
    let policy = prop::sample::select(Undelivered::ALL.to_vec());
    let one = || 0..variables;
    prop_oneof![
        6 => (one(), one(), patience.clone()).prop_map(|(end, what, patience)| Step::Send { end, what, patience }),
        // Most of what is sent is a buffer.
        4 => (0..CHANNELS.len(), 0..BUFFERS.len()).prop_map(|(channel, what)| {
            Step::Send { end: BUFFERS.len() + 2 * channel, what, patience: Patience::Never }
        }),
        6 => (one(), patience).prop_map(|(end, patience)| Step::Receive { end, into: 0, patience }),
        2 => one().prop_map(|what| Step::Copy { what, into: 0 }),
        2 => one().prop_map(|view| Step::Clone { view, into: 0 }),
        2 => one().prop_map(|view| Step::Slice { view, into: 0 }),
        2 => one().prop_map(|what| Step::Read { what }),
        2 => one().prop_map(|view| Step::Release { view }),
        1 => one().prop_map(|what| Step::Drop { what }),
        3 => one().prop_map(|handle| Step::Thaw { handle }),
        1 => one().prop_map(|end| Step::Close { end }),
        1 => (one(), policy).prop_map(|(end, policy)| Step::Undelivered { end, policy }),
        1 => (0..MARK).prop_map(|interpreter| Step::End { interpreter }),
        1 => Just(Step::Safepoint),
    ]
    .boxed()
}

/// The step with its target.
pub(crate) fn aimed(step: &Step, target: Variable) -> Step {
    let mut step = step.clone();
    match &mut step {
        Step::Receive { into, .. } | Step::Copy { into, .. } | Step::Clone { into, .. } | Step::Slice { into, .. } => {
            *into = target;
        }
        _ => {}
    }
    step
}

/// The variables that a step is about, its target apart.
fn operands(step: &Step) -> Vec<Variable> {
    match *step {
        Step::Send { end, what, .. } => vec![end, what],
        Step::Receive { end, .. } | Step::Close { end } | Step::Undelivered { end, .. } => vec![end],
        Step::Copy { what, .. } | Step::Read { what } | Step::Drop { what } => vec![what],
        Step::Clone { view, .. } | Step::Slice { view, .. } | Step::Release { view } => vec![view],
        Step::Thaw { handle } => vec![handle],
        _ => vec![],
    }
}

/// Whether a thread with so many variables has this step where it is: what the parser would refuse is not tried.
fn is_lawful(act: &Act, variables: usize) -> bool {
    operands(&act.step).iter().all(|&operand| operand < variables) && has_step(act)
}

fn has_step(act: &Act) -> bool {
    match act.step {
        Step::Send { end, what, .. } => end != what && act.at.is_some(),
        Step::Safepoint => act.at.is_some(),
        _ => true,
    }
}

impl Reference {
    fn new(strategy: Strategy) -> Self {
        let scenario = Scenario {
            name: "sequential".to_owned(),
            about: "One thread.".to_owned(),
            tier: Tier::Exhaustive,
            strategies: vec![strategy],
            bounded_for: BTreeMap::new(),
            batch: BATCH,
            defect: None,
            fault: None,
            interpreters: INTERPRETERS.map(str::to_owned).to_vec(),
            buffers: BUFFERS.map(|(name, owner)| BufferDecl { name: name.to_owned(), owner }).to_vec(),
            channels: CHANNELS
                .map(|(name, capacity, undelivered)| ChannelDecl { name: name.to_owned(), capacity, undelivered })
                .to_vec(),
            slots: Vec::new(),
            threads: Vec::new(),
        };
        let variables = HOLDS.iter().map(|&holding| scenario.name_of(holding)).collect();
        let lone = ThreadDecl { name: "lone".to_owned(), variables, holds: HOLDS.to_vec(), steps: Vec::new() };
        Self { scenario: Scenario { threads: vec![lone], ..scenario }, strategy }
    }

    pub(crate) fn strategy(&self) -> Strategy {
        self.strategy
    }

    fn variables(&self) -> usize {
        self.scenario.threads[0].variables.len()
    }

    /// With one step more; `None` if it would have to wait, or cannot be.
    fn after(&self, act: &Act) -> Option<Self> {
        if !is_lawful(act, self.variables()) {
            return None;
        }
        let mut next = self.clone();
        let target = next.variables();
        let lone = &mut next.scenario.threads[0];
        lone.variables.push(format!("v{target}"));
        let step = located(aimed(&act.step, target));
        lone.steps.push(match act.at {
            Some(interpreter) => located(Step::Attach { interpreter, body: vec![step], unwind: None }),
            None => step,
        });
        next.run().is_some().then_some(next)
    }

    /// What may be seen now.
    pub(crate) fn allowed(&self) -> Vec<Observation> {
        let (rules, states) = self.run().expect("it was run before it was kept");
        let see = |state: &State| Observation {
            results: rules.outcome(state),
            counts: (0..BUFFERS.len()).map(|buffer| (state.references(buffer), state.exports(buffer))).collect(),
            queued: (0..CHANNELS.len()).map(|channel| state.queued(channel)).collect(),
        };
        states.iter().map(see).collect()
    }

    /// All states in which the steps can have ended; `None` if some way does not end.
    fn run(&self) -> Option<(Rules, Vec<State>)> {
        let mut scenario = self.scenario.clone();
        let mark = Step::Attach { interpreter: MARK, body: Vec::new(), unwind: None };
        scenario.threads[0].steps.push(located(mark));
        let rules = Rules::new(&scenario, self.strategy);
        let (mut open, mut ended) = (vec![rules.initial()], Vec::new());
        while let Some(state) = open.pop() {
            if rules.wants(&state, 0).iter().any(is_mark) {
                ended.push(state);
                continue;
            }
            let actions = rules.enabled(&state);
            if actions.is_empty() {
                return None;
            }
            open.extend(actions.into_iter().map(|action| rules.judge_step(&state, action).expect("it is lawful")));
        }
        Some((rules, ended))
    }
}

fn is_mark(action: &Action) -> bool {
    action.kind == Kind::Enter { interpreter: MARK, cause: Cause::Attach }
}

fn located(step: Step) -> Located {
    Located { step, text: String::new(), line: 0 }
}
