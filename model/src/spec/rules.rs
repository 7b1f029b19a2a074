//! The rules of one scenario: where exploration and refinement begin.

use super::action::{Action, Kind};
use super::code::{self, Instruction};
use super::fault::Fault;
use super::guarantee::Refusal;
use super::state::{BufferState, ChannelState, Life, State, ViewState};
use super::thread::{Operation, ThreadState, Value, small};
use crate::scenario::Scenario;

/// What the threads of a scenario do, and what they must never do.
#[derive(Clone, Debug)]
pub struct Rules {
    pub(super) scenario: Scenario,
    pub(super) code: Vec<Vec<Instruction>>,
    views: usize,
    pub(super) fault: Option<Fault>,
}

/// How many of each thing a scenario may have: indices fit a byte, with a value to spare.
const MOST: usize = 250;
/// How many channels a scenario may have: a walk through them fits a word.
const MOST_CHANNELS: usize = 64;
/// How many instructions a thread may have: far below `u16::MAX`, so that no count overflows.
const MOST_INSTRUCTIONS: usize = 10_000;

impl Rules {
    /// The rules of a scenario.
    ///
    /// # Panics
    ///
    /// If the scenario has more than 64 channels, more than 250 interpreters, threads, variables in a thread, or buffers
    /// and receive steps together, or a thread with more than 10,000 steps.
    pub fn new(scenario: &Scenario) -> Self {
        Self::build(scenario, None)
    }

    /// The rules of a scenario whose protocol is broken in one place. The law is the same.
    ///
    /// # Panics
    ///
    /// Like [`Self::new`].
    pub fn with_fault(scenario: &Scenario, fault: Fault) -> Self {
        Self::build(scenario, Some(fault))
    }

    fn build(scenario: &Scenario, fault: Option<Fault>) -> Self {
        let code = code::flatten(scenario);
        let variables = scenario.threads.iter().map(|thread| thread.variables.len()).max();
        let (interpreters, channels) = (scenario.interpreters.len(), scenario.channels.len());
        let most = [interpreters, channels, scenario.threads.len(), code.views, variables.unwrap_or_default()];
        assert!(most.iter().all(|&count| count <= MOST), "the scenario {} is too big", scenario.name);
        assert!(channels <= MOST_CHANNELS, "the scenario {} has too many channels", scenario.name);
        let is_short = |thread: &Vec<Instruction>| thread.len() <= MOST_INSTRUCTIONS;
        assert!(code.threads.iter().all(is_short), "a thread of the scenario {} is too long", scenario.name);
        Self { scenario: scenario.clone(), code: code.threads, views: code.views, fault }
    }

    /// The scenario.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The fault in the protocol, if any.
    pub fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// The state in which the threads start.
    pub fn initial(&self) -> State {
        let mut state = State {
            locks: vec![None; self.scenario.interpreters.len()],
            buffers: vec![BufferState::default(); self.scenario.buffers.len()],
            channels: vec![
                ChannelState { receiver_gone: true, ..ChannelState::default() };
                self.scenario.channels.len()
            ],
            views: vec![None; self.views],
            threads: Vec::with_capacity(self.scenario.threads.len()),
            aside: self.aside(),
        };
        for decl in &self.scenario.threads {
            let mut thread = ThreadState::default();
            thread.variables.extend(decl.holds.iter().copied().map(Value::initial));
            thread.variables.iter().for_each(|&value| count_in(&mut state, value));
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
        Ok(next)
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
        let Kind::Enter { interpreter, .. } = action.kind else { return false };
        let Some(me) = state.threads.get(action.thread) else { return false };
        me.home.map(usize::from) != Some(interpreter)
    }

    /// The interpreter that owns a buffer.
    pub(super) fn owner(&self, buffer: u8) -> u8 {
        small(self.scenario.buffers[usize::from(buffer)].owner)
    }
}

/// Counts what a variable holds before the threads start. The clones of one view have one reference and one export.
fn count_in(state: &mut State, value: Value) {
    match value {
        Value::Empty => {}
        Value::Handle(buffer) => state.buffer(buffer).references += 1,
        Value::View(view) => {
            if let Some(there) = state.view(view) {
                there.clones += 1;
            } else {
                *state.view(view) = Some(ViewState { buffer: view, clones: 1, version: 0 });
                state.buffer(view).references += 1;
                state.buffer(view).exports += 1;
            }
        }
        Value::SendEnd(channel) => state.channel(channel).senders += 1,
        Value::ReceiveEnd(channel) => state.channel(channel).receiver_gone = false,
    }
}
