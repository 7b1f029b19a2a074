//! Return lists, head to foot: who arrives attends to the list of its interpreter, who departs makes sure that somebody
//! sees to what is left on it.
//!
//! Under the strategies that have such lists, a release puts the buffer on its owner's list and is done. Whoever is
//! attached to the owner to stay collects from the list: when it comes, at safepoints, before it sends. (Before the first send
//! there is nothing to see to, so nobody does.) Where batches are larger than 1, what a thread releases of others' in an
//! interpreter waits in its outbox, until that is full or the thread leaves. Where nobody attends, the thread that put the
//! first buffer on the list, or that left one there, has the *errand* to go and collect as soon as it is attached to nobody.

use super::Plan;
use crate::scenario::Strategy;
use crate::spec::action::{Cause, Kind};
use crate::spec::life::Decision;
use crate::spec::operation::Operation;
use crate::spec::state::State;
use crate::spec::thread::{Claim, Todo, small};
use crate::spec::{Fault, Rules};

impl Rules {
    /// Whether the protocol has return lists.
    pub(in crate::spec) fn has_return_lists(&self) -> bool {
        matches!(self.strategy, Strategy::Deferred | Strategy::Epoch)
    }

    /// Whether who enters for this cause comes to stay, and so attends to the return list.
    fn attends(&self, cause: Cause) -> bool {
        match cause {
            Cause::Attach | Cause::Return | Cause::Safepoint | Cause::Collection => self.has_return_lists(),
            Cause::ViewCreation | Cause::ViewRelease => false,
        }
    }

    /// Enter an interpreter.
    pub(in crate::spec) fn arrive(&self, interpreter: u8, cause: Cause) -> Plan {
        [Todo::Enter(interpreter, cause)].into_iter().chain(self.come_to_stay(interpreter, cause)).collect()
    }

    /// What follows an entry for this cause.
    pub(in crate::spec) fn come_to_stay(&self, interpreter: u8, cause: Cause) -> Plan {
        if self.attends(cause) { vec![Todo::Now(Decision::Attend(interpreter))] } else { vec![] }
    }

    /// Leave an interpreter that was entered for this cause.
    pub(in crate::spec) fn depart(&self, interpreter: u8, cause: Cause) -> Plan {
        let unattend = self.attends(cause).then_some(Todo::Now(Decision::Unattend(interpreter)));
        self.emptying(interpreter).into_iter().chain(unattend).chain([Todo::Leave(interpreter)]).collect()
    }

    /// At a safepoint: collect a batch, if there is something.
    pub(in crate::spec) fn look(&self, interpreter: u8) -> Plan {
        if self.has_return_lists() { vec![Todo::Now(Decision::Look(interpreter))] } else { vec![] }
    }

    /// Before a buffer is sent or published.
    pub(in crate::spec) fn lending(&self, buffer: u8) -> Plan {
        if self.has_return_lists() { vec![Todo::Now(Decision::Lend(self.owner(buffer)))] } else { vec![] }
    }

    /// The first time the thread, which came to stay, begins to attend. From then on it looks, and collects a batch.
    pub(in crate::spec) fn lend(&self, state: &mut State, thread: usize, interpreter: u8) {
        let lends = std::mem::replace(&mut state.list(interpreter).lends, true);
        let me = &mut state.threads[thread];
        if lends {
            me.first(vec![Todo::Look(interpreter)]);
        } else if !self.has(Fault::LendsUnattended) {
            me.first(vec![Todo::Attend(interpreter)]);
        }
    }

    /// The thread came to stay. Of what it finds on the list it collects a batch; at a safepoint it has done so before.
    pub(in crate::spec) fn attend(&self, state: &mut State, thread: usize, interpreter: u8) {
        let collects = state.threads[thread].operation != Operation::Safepoint;
        let list = state.list(interpreter);
        list.attended = true;
        if collects && !list.buffers.is_empty() {
            state.threads[thread].first(vec![Todo::Collect(interpreter)]);
        }
    }

    /// The thread is about to leave.
    pub(in crate::spec) fn unattend(&self, state: &mut State, thread: usize, interpreter: u8) {
        let list = state.list(interpreter);
        list.attended = false;
        if !list.buffers.is_empty() && !self.has(Fault::DepartureLooksAway) {
            take_errand(state, thread, interpreter);
            if self.has(Fault::ErrandWhileAttached) {
                self.run_errands_at_once(state, thread);
            }
        }
    }

    /// A view of the buffer exists before the threads start: it was lent before.
    pub(in crate::spec) fn lent_before(&self, state: &mut State, buffer: u8) {
        if self.has_return_lists() {
            state.list(self.owner(buffer)).lends = true;
        }
    }

    /// The first buffer of a batch is taken off the list.
    pub(in crate::spec) fn collect_batch(&self, state: &mut State, thread: usize, interpreter: u8) {
        self.collect(state, thread, interpreter, small(self.scenario.batch - 1));
    }

    /// A buffer is taken off the list. Its export and its reference are given back at once; then so many more are looked for.
    pub(in crate::spec) fn collect(&self, state: &mut State, thread: usize, interpreter: u8, left: u8) {
        if let Some(buffer) = state.list(interpreter).buffers.pop() {
            let me = &mut state.threads[thread];
            me.hands.push(Claim::View(buffer));
            let more = left.checked_sub(1).map(|left| Todo::More(interpreter, left));
            me.first([Todo::Unexport(buffer), Todo::Dereference(buffer)].into_iter().chain(more).collect());
        }
    }

    /// How a view in release, or a message that nobody received, is given back.
    pub(in crate::spec) fn giving_back(&self, buffer: u8) -> Plan {
        vec![if self.has_outboxes() { Todo::Now(Decision::GiveBack(buffer)) } else { Todo::Return(buffer) }]
    }

    /// Into the outbox of the interpreter that the thread is in; at once on the list, if it is in none, or in the owner. A full outbox, and one
    /// with another owner's buffers in it, is emptied.
    pub(in crate::spec) fn put_in_outbox(&self, state: &mut State, thread: usize, buffer: u8) {
        let elsewhere = state.current(thread).filter(|&here| here != self.owner(buffer));
        let Some(here) = elsewhere else {
            return state.threads[thread].first(vec![Todo::Return(buffer)]);
        };
        let outbox = &state.list(here).outbox;
        if outbox.first().is_some_and(|&first| self.owner(first) != self.owner(buffer)) {
            let again = Todo::Now(Decision::GiveBack(buffer));
            return state.threads[thread].first(vec![Todo::Empty(here), again]);
        }
        state.threads[thread].put_down(|claim| is_of(claim, buffer));
        state.list(here).outbox.push(buffer);
        if state.list(here).outbox.len() >= self.scenario.batch {
            state.threads[thread].first(vec![Todo::Empty(here)]);
        }
    }

    fn has_outboxes(&self) -> bool {
        self.scenario.batch > 1 && self.has_return_lists()
    }

    /// What a thread does at a safepoint, and before it leaves an interpreter for whatever reason.
    pub(super) fn emptying(&self, interpreter: u8) -> Plan {
        let empties = self.has_outboxes() && !self.has(Fault::OutboxKept);
        if empties { vec![Todo::Now(Decision::EmptyOutbox(interpreter))] } else { vec![] }
    }

    /// What is in the outbox, if anything, is next.
    pub(in crate::spec) fn empty_outbox(&self, state: &mut State, thread: usize, interpreter: u8) {
        if !state.list(interpreter).outbox.is_empty() {
            state.threads[thread].first(vec![Todo::Empty(interpreter)]);
        }
    }

    /// All that is in the outbox goes on the owner's list at once.
    pub(in crate::spec) fn return_outbox(&self, state: &mut State, thread: usize, interpreter: u8) {
        let outbox = std::mem::take(&mut state.list(interpreter).outbox);
        let Some(&first) = outbox.first() else { return };
        let owner = self.owner(first);
        let list = state.list(owner);
        list.buffers.extend(outbox);
        if !list.attended {
            take_errand(state, thread, owner);
        }
    }

    /// A view in release, or a message that nobody received, goes on its owner's list.
    pub(in crate::spec) fn put_on_list(&self, state: &mut State, thread: usize, buffer: u8) {
        self.push_on_list(state, thread, buffer);
        self.run_errands_at_once(state, thread);
    }

    /// The same without running an errand that may come of it.
    pub(in crate::spec) fn push_on_list(&self, state: &mut State, thread: usize, buffer: u8) {
        let owner = self.owner(buffer);
        state.threads[thread].put_down(|claim| is_of(claim, buffer));
        if self.loses_returned(state, thread, owner) {
            return;
        }
        let list = state.list(owner);
        list.buffers.push(buffer);
        if !list.attended && !self.has(Fault::ErrandForgotten) {
            take_errand(state, thread, owner);
        }
    }

    /// Runs the errands, if there are any and the thread is attached to nobody.
    pub(in crate::spec) fn run_errands_at_once(&self, state: &mut State, thread: usize) {
        let at_once = state.current(thread).is_none() || self.has(Fault::ErrandWhileAttached);
        let me = &state.threads[thread];
        if at_once && !me.errands.is_empty() && me.interrupted.is_none() {
            self.run_errands(state, thread);
        }
    }

    /// Attached to nobody: the thread runs its errands, the last one first, then goes on with what it was doing.
    pub(in crate::spec) fn run_errands(&self, state: &mut State, thread: usize) {
        let me = &mut state.threads[thread];
        match me.errands.last() {
            Some(&interpreter) => {
                if me.interrupted.is_none() {
                    me.interrupted = Some(me.operation);
                    me.operation = Operation::Errand;
                }
                me.first(vec![Todo::LetGo(interpreter)]);
            }
            None => me.operation = me.interrupted.take().unwrap_or(me.operation),
        }
    }

    /// Whether an errand is still needed: something is on the list, and nobody attends to it.
    fn needs_errand(&self, state: &State, interpreter: u8) -> bool {
        let list = &state.returns[usize::from(interpreter)];
        !list.attended && !list.buffers.is_empty() && !self.has(Fault::ErrandDoneBlindly)
    }

    /// The errand is over, or the thread goes to the interpreter, collects one buffer, and looks again.
    pub(in crate::spec) fn let_go(&self, state: &mut State, thread: usize, interpreter: u8) {
        if self.needs_errand(state, interpreter) {
            let plan = self.errand(interpreter);
            state.threads[thread].first(plan);
            return;
        }
        state.list(interpreter).errand = false;
        state.threads[thread].errands.pop();
        self.run_errands(state, thread);
    }

    fn errand(&self, interpreter: u8) -> Plan {
        if self.has(Fault::CollectWithoutLock) {
            return vec![Todo::Collect(interpreter), Todo::LetGo(interpreter)];
        }
        let there = self.arrive(interpreter, Cause::Collection);
        let back = self.depart(interpreter, Cause::Collection);
        there.into_iter().chain(back).chain([Todo::LetGo(interpreter)]).collect()
    }

    /// The thread has left an interpreter: attached to nobody, it runs its errands. On an errand it takes no new one for
    /// the interpreter that it leaves, since it has that one, and the next look is its own already.
    pub(in crate::spec) fn after_leaving(&self, state: &mut State, thread: usize) {
        let me = &state.threads[thread];
        if !me.errands.is_empty() && me.interrupted.is_none() {
            self.run_errands(state, thread);
        }
    }

    /// What a thread finds when it looks at a list: nothing, or a buffer to collect.
    pub(in crate::spec) fn found(&self, state: &State, interpreter: u8) -> Kind {
        let list = &state.returns[usize::from(interpreter)];
        let interpreter = interpreter.into();
        if list.buffers.is_empty() { Kind::Look { interpreter } } else { Kind::Collect { interpreter } }
    }
}

/// Whether it is a view in release, or a message, of this buffer.
fn is_of(claim: Claim, buffer: u8) -> bool {
    claim == Claim::View(buffer) || claim.message() == Some(buffer)
}

/// The thread is to see to the list, unless another one is already.
fn take_errand(state: &mut State, thread: usize, interpreter: u8) {
    let list = state.list(interpreter);
    if !list.errand {
        list.errand = true;
        state.threads[thread].errands.push(interpreter);
    }
}
