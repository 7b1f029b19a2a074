//! The end of an interpreter: whom it admits, when it is complete, and what becomes of its undelivered messages.
//!
//! An interpreter that is ending admits nobody any more; it has ended when the last thread has left it. What it made
//! lives on: the counts of its buffers stay under its lock, and visits to create or to release views go on.

use super::action::Cause;
use super::operation::Operation;
use super::program::Plan;
use super::state::{Content, State};
use super::thread::{Block, Claim, Receiving, StepResult, Todo, Value};
use super::{Fault, Rules};
use crate::scenario::Undelivered;

/// How far an interpreter is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Phase {
    /// Threads may attach to it.
    #[default]
    Running,
    /// Nobody comes to stay any more; some are still inside.
    Finalizing,
    /// The last one has left.
    Ended,
}

/// What a thread decides without an action, under the lock that it has just acquired or on its own variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Decision {
    /// Stay in this interpreter, or, if it is ending, go back to `before` and on behind the block, at `past`.
    Admit {
        interpreter: u8,
        before: Option<u8>,
        past: u16,
    },
    /// Begin the end of this interpreter, unless that was done before.
    Begin(u8),
    /// Go on with this receive, after a message was removed.
    LookAgain(Receiving),
    /// Run the errands, if attached to nobody.
    RunErrands,
    /// Put this buffer into the outbox of the interpreter that the thread is in, or on its owner's return list.
    GiveBack(u8),
    /// Empty the outbox of this interpreter, if something is in it.
    EmptyOutbox(u8),
    /// Attend to the return list of this interpreter, or no longer, or look at it, if it lends.
    Attend(u8),
    Unattend(u8),
    Look(u8),
    /// Lend a buffer of this interpreter.
    Lend(u8),
}

impl State {
    /// Whether an interpreter is ending or has ended.
    pub fn is_ending(&self, interpreter: usize) -> bool {
        self.phases.get(interpreter).is_some_and(|&phase| phase != Phase::Running)
    }

    /// How many open `attach` blocks have threads inside an interpreter. A block that goes on behind an inner one counts,
    /// a block that found its thread there already does not, nor does the visit of an operation.
    pub(super) fn inside(&self, interpreter: u8) -> usize {
        let stays = |thread: &super::thread::ThreadState| {
            let outer = thread.blocks.iter().filter(|&&block| block == Block::Left(Some(interpreter))).count();
            outer + usize::from(thread.home == Some(interpreter))
        };
        self.threads.iter().map(stays).sum()
    }

    /// Whether the interpreter whose thread it is has begun to end: then it waits no longer.
    pub(super) fn is_interrupted(&self, thread: usize) -> bool {
        let home = self.threads.get(thread).and_then(|thread| thread.home);
        home.is_some_and(|home| self.is_ending(home.into()))
    }
}

impl Rules {
    /// Does what a thread decides.
    pub(super) fn decide(&self, state: &mut State, thread: usize, decision: Decision) {
        match decision {
            Decision::Admit { interpreter, before, past } => self.admit(state, thread, interpreter, before, past),
            Decision::Begin(interpreter) => self.begin_end(state, thread, interpreter),
            Decision::LookAgain(receiving) => self.look_again(state, thread, receiving),
            Decision::RunErrands => self.run_errands_at_once(state, thread),
            Decision::GiveBack(buffer) => self.put_in_outbox(state, thread, buffer),
            Decision::EmptyOutbox(interpreter) => self.empty_outbox(state, thread, interpreter),
            Decision::Attend(interpreter) => if_it_lends(state, thread, interpreter, Todo::Attend(interpreter)),
            Decision::Unattend(interpreter) => if_it_lends(state, thread, interpreter, Todo::Unattend(interpreter)),
            Decision::Look(interpreter) => if_it_lends(state, thread, interpreter, Todo::Look(interpreter)),
            Decision::Lend(interpreter) => self.lend(state, thread, interpreter),
        }
    }

    /// The thread holds the lock of the interpreter to which it attaches: from here on it stays, or is sent away.
    fn admit(&self, state: &mut State, thread: usize, interpreter: u8, before: Option<u8>, past: u16) {
        let refused = state.is_ending(interpreter.into()) && !self.has(Fault::AttachAfterEnd);
        let me = &mut state.threads[thread];
        if refused {
            me.results.push(StepResult::Gone);
            me.position = past;
            let back = self.travel(None, before, Cause::Return);
            me.first([Todo::Leave(interpreter)].into_iter().chain(back).collect());
        } else {
            me.blocks.push(Block::Left(before));
            me.home = Some(interpreter);
            me.first(self.come_to_stay(interpreter, Cause::Attach));
        }
    }

    /// What the last thread to leave an interpreter does before it leaves. The thread has the lock, and counts itself
    /// out already.
    pub(super) fn last_out(&self, state: &State, interpreter: u8) -> Plan {
        let complete = state.phases[usize::from(interpreter)] == Phase::Finalizing
            && state.inside(interpreter) == 0
            && !self.has(Fault::LastLeaverForgets);
        if complete { vec![Todo::Ended(interpreter)] } else { vec![] }
    }

    /// `end`: under the interpreter's lock, from wherever the thread is.
    pub(super) fn end_interpreter(&self, state: &mut State, thread: usize, interpreter: u8) {
        let plan = vec![Todo::Now(Decision::Begin(interpreter))];
        let plan = self.at(state.current(thread), interpreter, Cause::Attach, plan);
        state.threads[thread].start(Operation::End, plan);
    }

    fn begin_end(&self, state: &mut State, thread: usize, interpreter: u8) {
        let me = &mut state.threads[thread];
        if state.phases[usize::from(interpreter)] == Phase::Running || self.has(Fault::EndsTwice) {
            me.first(vec![Todo::Ending(interpreter)]);
        } else {
            me.results.push(StepResult::EndedBefore);
        }
    }

    /// The effect of `Ending`. If nobody is inside, the end is complete at once; `end` waits for nobody.
    pub(super) fn ending(&self, state: &mut State, thread: usize, interpreter: u8) {
        state.phases[usize::from(interpreter)] = Phase::Finalizing;
        let complete = state.inside(interpreter) == 0;
        let me = &mut state.threads[thread];
        me.results.push(StepResult::Ended);
        if complete || self.has(Fault::EndWithThreadInside) || self.has(Fault::EndWaitsForLeavers) {
            me.first(vec![Todo::Ended(interpreter)]);
        }
    }

    /// The effect of `Ended`.
    pub(super) fn ended(&self, state: &mut State, thread: usize, interpreter: u8) {
        state.phases[usize::from(interpreter)] = Phase::Ended;
        let plan = self.free_at_end(state, interpreter);
        state.threads[thread].first(plan);
    }

    /// Whether `Ended` waits: `end` does not, and the last one out is the last one.
    pub(super) fn end_waits(&self, state: &State, interpreter: u8) -> bool {
        self.has(Fault::EndWaitsForLeavers) && state.inside(interpreter) > 0
    }

    /// The effect of `Inspect`: the message becomes a view, or goes the way of its policy.
    pub(super) fn inspect(
        &self,
        state: &mut State,
        thread: usize,
        buffer: u8,
        undelivered: Undelivered,
        receiving: Receiving,
    ) {
        let ending = state.is_ending(self.owner(buffer).into());
        let me = &mut state.threads[thread];
        let message = me.put_down(|claim| matches!(claim, Claim::Message { buffer: b, .. } if b == buffer));
        let Some(Claim::Message { version, .. }) = message else {
            return self.inspect_too_late(state, thread, ending);
        };
        if !ending {
            return self.deliver(state, thread, buffer, version, receiving);
        }
        if self.has(Fault::InspectionIgnored) {
            self.deliver(state, thread, buffer, version, receiving);
            return self.doom(state, thread, buffer);
        }
        me.hands.push(Claim::Undeliverable { buffer, version });
        match undelivered {
            Undelivered::Remove => me.first(vec![Todo::Now(Decision::LookAgain(receiving))]),
            Undelivered::Error | Undelivered::Deliver => me.results.push(StepResult::OwnerEnded),
        }
        let content = Content::Buffer { buffer, version, undelivered };
        let plan = self.discarding(state, thread, content);
        let me = &mut state.threads[thread];
        me.operation = Operation::Discard;
        me.first(plan);
    }

    /// After a message was removed: as if the receive began where the thread is now.
    fn look_again(&self, state: &mut State, thread: usize, receiving: Receiving) {
        self.receive(state, thread, receiving);
    }

    /// `undelivered`: the policy of this send end from now on.
    pub(super) fn set_policy(&self, state: &mut State, thread: usize, end: u8, policy: Undelivered) {
        let me = &mut state.threads[thread];
        if let Value::SendEnd(channel, _) = me.variable(end) {
            me.assign(end, Value::SendEnd(channel, policy));
        }
    }
}

/// The thread does this next, if something was lent that comes home to the interpreter.
fn if_it_lends(state: &mut State, thread: usize, interpreter: u8, todo: Todo) {
    if state.list(interpreter).lends {
        state.threads[thread].first(vec![todo]);
    }
}
