//! The rules of one scenario: where exploration and refinement begin.

use super::action::{Action, Cause, Kind};
use super::code::{self, Instruction};
use super::fault::Fault;
use super::guarantee::{Refusal, Violation};
use super::life::Phase;
use super::operation::Operation;
use super::slot::SlotState;
use super::state::{BufferState, ChannelState, Life, ReturnList, State, ViewState};
use super::thread::{ThreadState, Value, small};
use crate::scenario::{Scenario, Strategy};

/// What the threads of a scenario do, and what they must never do.
#[derive(Clone, Debug)]
pub struct Rules {
    pub(super) scenario: Scenario,
    pub(super) code: Vec<Vec<Instruction>>,
    views: usize,
    pub(super) strategy: Strategy,
    pub(super) fault: Option<Fault>,
}

/// How many of each thing a scenario may have: indices fit a byte, with a value to spare.
const MOST: usize = 250;
/// How many channels a scenario may have: a walk through them fits a word.
const MOST_CHANNELS: usize = 64;
/// How many instructions a thread may have: far below `u16::MAX`, so that no count overflows.
const MOST_INSTRUCTIONS: usize = 10_000;

impl Rules {
    /// The rules of a scenario under a strategy.
    ///
    /// # Panics
    ///
    /// If the scenario has more than 64 channels, more than 250 interpreters, slots, threads, variables in a thread, or views,
    /// which are buffers, receive steps and sometimes clones together, or a thread with more than 10,000 steps.
    pub fn new(scenario: &Scenario, strategy: Strategy) -> Self {
        Self::build(scenario, strategy, None)
    }

    /// The rules of a scenario whose protocol is broken in one place. The law is the same. A fault that is none of the
    /// strategy's changes nothing.
    ///
    /// # Panics
    ///
    /// Like [`Self::new`].
    pub fn with_fault(scenario: &Scenario, strategy: Strategy, fault: Fault) -> Self {
        Self::build(scenario, strategy, Some(fault))
    }

    fn build(scenario: &Scenario, strategy: Strategy, fault: Option<Fault>) -> Self {
        let code = code::flatten(scenario, strategy);
        let variables = scenario.threads.iter().map(|thread| thread.variables.len()).max();
        let (interpreters, channels) = (scenario.interpreters.len(), scenario.channels.len());
        let (slots, threads) = (scenario.slots.len(), scenario.threads.len());
        let most = [interpreters, channels, slots, threads, code.views, variables.unwrap_or_default()];
        assert!(most.iter().all(|&count| count <= MOST), "the scenario {} is too big", scenario.name);
        assert!(channels <= MOST_CHANNELS, "the scenario {} has too many channels", scenario.name);
        let is_short = |thread: &Vec<Instruction>| thread.len() <= MOST_INSTRUCTIONS;
        assert!(code.threads.iter().all(is_short), "a thread of the scenario {} is too long", scenario.name);
        let fault = fault.filter(|fault| fault.strategies().contains(&strategy));
        Self { scenario: scenario.clone(), code: code.threads, views: code.views, strategy, fault }
    }

    /// The scenario.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The strategy.
    pub fn strategy(&self) -> Strategy {
        self.strategy
    }

    /// The fault in the protocol, if any.
    pub fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// The state in which the threads start.
    pub fn initial(&self) -> State {
        let mut state = State {
            locks: vec![None; self.scenario.interpreters.len()],
            phases: vec![Phase::default(); self.scenario.interpreters.len()],
            buffers: vec![BufferState::default(); self.scenario.buffers.len()],
            channels: vec![
                ChannelState { receiver_gone: true, ..ChannelState::default() };
                self.scenario.channels.len()
            ],
            views: vec![None; self.views],
            threads: Vec::with_capacity(self.scenario.threads.len()),
            returns: if self.has_return_lists() {
                vec![ReturnList::default(); self.scenario.interpreters.len()]
            } else {
                vec![]
            },
            slots: vec![SlotState::default(); self.scenario.slots.len()],
            aside: self.aside(),
        };
        for decl in &self.scenario.threads {
            let channels = &self.scenario.channels;
            let initial = |&holding| self.hand_out(&mut state, Value::initial(holding, channels));
            let held = decl.holds.iter().map(initial).collect();
            let mut thread = ThreadState { variables: held, ..ThreadState::default() };
            thread.variables.resize(decl.variables.len(), Value::Empty);
            state.threads.push(thread);
        }
        for buffer in state.buffers.iter_mut().filter(|buffer| buffer.references == 0) {
            buffer.life = Life::Freed;
        }
        (0..state.threads.len()).for_each(|thread| self.settle(&mut state, thread));
        self.fall_asleep(&mut state);
        state
    }

    /// What a thread would do next, blocked or not: one action, or two if it has the choice, or none if it has
    /// finished.
    pub fn wants(&self, state: &State, thread: usize) -> Vec<Action> {
        self.intents(state, thread).map(|intent| Action { thread, kind: intent.kind }).collect()
    }

    /// The state after an action.
    ///
    /// # Errors
    ///
    /// A [`Refusal`]: the action breaks a guarantee, or is not what the protocol does here, or has to wait. What is
    /// unlawful is always reported as a violation, wanted or not.
    pub fn step(&self, state: &State, action: Action) -> Result<State, Refusal> {
        self.judge(state, action)?;
        let mut next = state.clone();
        self.act(&mut next, action);
        self.law_of_stays(state, action, &next)?;
        Ok(next)
    }

    /// The state after an action that is [`enabled`](Self::enabled).
    ///
    /// # Errors
    ///
    /// The [`Violation`], if the action breaks a guarantee.
    ///
    /// # Panics
    ///
    /// If it is not enabled.
    pub fn judge_step(&self, state: &State, action: Action) -> Result<State, Violation> {
        match self.step(state, action) {
            Ok(next) => Ok(next),
            Err(Refusal::Violation(violation)) => Err(violation),
            Err(refusal) => unreachable!("{action} is enabled, and yet: {refusal}"),
        }
    }

    fn act(&self, state: &mut State, action: Action) {
        let Action { thread, kind } = action;
        let Some(&todo) = state.threads[thread].agenda.last() else { return };
        self.perform(state, thread, kind);
        self.aftermath(state, thread, todo, kind);
        self.settle(state, thread);
        self.fall_asleep(state);
    }

    /// All actions that are not blocked, thread by thread.
    ///
    /// Those of a broken protocol include the unlawful ones, which [`Self::step`] refuses with the violation.
    pub fn enabled(&self, state: &State) -> Vec<Action> {
        self.unblocked(state).collect()
    }

    /// Whether any thread can do anything.
    pub(super) fn can_move(&self, state: &State) -> bool {
        self.unblocked(state).next().is_some()
    }

    fn unblocked<'a>(&'a self, state: &'a State) -> impl Iterator<Item = Action> + 'a {
        let threads = 0..state.threads.len();
        let wanted = threads
            .flat_map(|thread| self.intents(state, thread).map(move |intent| Action { thread, kind: intent.kind }));
        wanted.filter(|&action| self.judge(state, action) != Err(Refusal::Blocked))
    }

    /// Whether all threads have finished.
    pub fn finished(&self, state: &State) -> bool {
        state.threads.iter().all(|thread| thread.agenda.is_empty())
    }

    /// What a thread is doing.
    pub fn operation(&self, state: &State, thread: usize) -> Operation {
        state.threads.get(thread).map(|thread| thread.operation).unwrap_or_default()
    }

    /// Whether the thread acquires a lock that is not its own: not where it is attached, and not to become attached.
    pub fn is_foreign(&self, state: &State, action: Action) -> bool {
        let Kind::Enter { interpreter, cause } = action.kind else { return false };
        let Some(me) = state.threads.get(action.thread) else { return false };
        let comes_to_stay = cause == Cause::Attach && me.operation == Operation::Attach;
        !comes_to_stay && me.home.map(usize::from) != Some(interpreter)
    }

    /// The interpreter that owns a buffer.
    pub(super) fn owner(&self, buffer: u8) -> u8 {
        small(self.scenario.buffers[usize::from(buffer)].owner)
    }

    /// Counts what a variable holds before the threads start, and returns it. Clones that are counted together have one
    /// reference and one export; else each is a view of its own, with the next number.
    fn hand_out(&self, state: &mut State, value: Value) -> Value {
        match value {
            Value::Empty => {}
            Value::Handle(buffer) => state.buffer(buffer).references += 1,
            Value::View(buffer) if self.strategy == Strategy::Shared => return hand_out_own_view(state, buffer),
            Value::View(view) => match state.view(view) {
                Some(there) => there.clones += 1,
                None => {
                    show(state, view, ViewState::new(view, 0, false));
                    self.lent_before(state, view);
                }
            },
            Value::SendEnd(channel, _) => state.channel(channel).senders += 1,
            Value::ReceiveEnd(channel) => state.channel(channel).receiver_gone = false,
            Value::Publisher(slot) | Value::Subscriber(slot) => state.slot(slot).holders += 1,
            Value::Reading { .. } => unreachable!("nobody reads before the threads start"),
        }
        value
    }
}

fn hand_out_own_view(state: &mut State, buffer: u8) -> Value {
    let is_of = |view: &Option<ViewState>| view.is_some_and(|view| view.buffer == buffer);
    let number = small(state.views.iter().filter(|view| view.is_some()).count());
    let is_copy = state.views.iter().any(is_of);
    show(state, number, ViewState::new(buffer, 0, is_copy));
    Value::View(number)
}

/// A view that exists before the threads start.
fn show(state: &mut State, number: u8, view: ViewState) {
    *state.view(number) = Some(view);
    state.buffer(view.buffer).references += 1;
    state.buffer(view.buffer).exports += 1;
}
