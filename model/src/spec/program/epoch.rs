//! Broadcast slots: publishing, and reading in place.
//!
//! A value is exported under its owner's lock, which the publisher holds already, and goes back through the owner's return
//! list: see `deferred`. In between nobody takes a lock. A guard keeps what can be loaded under it: a value that is taken
//! out of the slot waits for all guards of that moment.

use super::{Claim, Plan, StepResult, Value};
use crate::spec::action::{Cause, Kind};
use crate::spec::life::Decision;
use crate::spec::operation::Operation;
use crate::spec::slot::{Guard, PUBLISHING, Place, Retired, Shown, SlotAct, SlotTodo};
use crate::spec::state::State;
use crate::spec::thread::{Todo, small};
use crate::spec::{Fault, Rules};

/// What a thread that is attached to nobody does when it has returned something.
const ERRANDS: Todo = Todo::Now(Decision::RunErrands);

impl Rules {
    /// `publish`: export the buffer, swap it in under a guard, retire the value before it.
    pub(super) fn publish(&self, state: &mut State, thread: usize, publisher: u8, what: u8) {
        let current = state.current(thread);
        let me = &mut state.threads[thread];
        let (Value::Publisher(slot), Value::Handle(buffer)) = (me.variable(publisher), me.variable(what)) else {
            return;
        };
        if current != Some(self.owner(buffer)) {
            me.results.push(StepResult::NotOwner);
            return;
        }
        let export = (!self.has(Fault::PublishWithoutExport)).then_some(Todo::Pin { buffer, from: what });
        let place = Place { slot, variable: PUBLISHING };
        let swap = [SlotTodo::Pin(place), SlotTodo::Publish { slot, buffer }, SlotTodo::Unpin(place)].map(Todo::Slot);
        let plan = self.lending(buffer).into_iter().chain(export).chain(swap).collect();
        me.start(Operation::Send, plan);
    }

    /// `peek`: a reader of its own, a guard, a load.
    pub(super) fn peek(&self, state: &mut State, thread: usize, subscriber: u8, into: u8) {
        let me = &mut state.threads[thread];
        if let Value::Subscriber(slot) = me.variable(subscriber)
            && me.is_empty(into)
        {
            let place = Place { slot, variable: into };
            let guard = (!self.has(Fault::BypassedGuard)).then_some(SlotTodo::Pin(place));
            let todos = [SlotTodo::Join { slot, into: None }].into_iter().chain(guard).chain([SlotTodo::Load(place)]);
            me.start(Operation::Receive, todos.map(Todo::Slot).collect());
        }
    }

    /// Drop of a reading: its guard first, then its reader.
    pub(super) fn drop_reading(&self, state: &mut State, thread: usize, slot: u8, variable: u8) {
        let me = &mut state.threads[thread];
        me.pick_up(variable, Claim::Guard(Place { slot, variable }));
        me.hands.push(Claim::Holder(slot));
        let unpin = Todo::Slot(SlotTodo::Unpin(Place { slot, variable }));
        me.start(Operation::Release, [vec![unpin, ERRANDS], leave(slot)].concat());
    }

    /// Drop of a publisher or a subscriber.
    pub(super) fn drop_holder(&self, state: &mut State, thread: usize, slot: u8, variable: u8) {
        let me = &mut state.threads[thread];
        me.pick_up(variable, Claim::Holder(slot));
        me.start(Operation::DropEnd, leave(slot));
    }

    /// The action that a pending one stands for.
    pub(in crate::spec) fn slot_kind(&self, state: &State, todo: SlotTodo) -> Kind {
        let kind = |slot: u8, act| Kind::Slot { slot: slot.into(), act };
        match todo {
            SlotTodo::Join { slot, .. } => kind(slot, SlotAct::Join),
            SlotTodo::Leave(slot) => kind(slot, SlotAct::Leave),
            SlotTodo::Pin(place) => kind(place.slot, SlotAct::Pin),
            SlotTodo::Load(Place { slot, .. }) => {
                kind(slot, SlotAct::Load { buffer: state.current_value(slot.into()) })
            }
            SlotTodo::Unpin(place) => kind(place.slot, SlotAct::Unpin),
            SlotTodo::Publish { slot, buffer } => kind(slot, SlotAct::Publish { buffer: buffer.into() }),
            SlotTodo::Retire { slot, value } => kind(slot, SlotAct::Retire { buffer: value.buffer.into() }),
            SlotTodo::Return(buffer) => Kind::Return { interpreter: self.owner(buffer).into(), buffer: buffer.into() },
        }
    }

    /// Whether a thread may find this in a slot, although it is not the current value any more: to see an older value is
    /// the same as to have loaded earlier. The law says which values are kept for that. Exploration leaves such loads out,
    /// since they lead to states that it reaches anyway; what the real code does must stay among those.
    pub(in crate::spec) fn loads_late(&self, state: &State, thread: usize, kind: Kind) -> bool {
        let next = state.threads.get(thread).and_then(|me| me.agenda.last());
        match (next, kind) {
            (Some(Todo::Slot(SlotTodo::Load(place))), Kind::Slot { slot, act: SlotAct::Load { .. } }) => {
                usize::from(place.slot) == slot
            }
            _ => false,
        }
    }

    /// Does a pending action.
    pub(in crate::spec) fn perform_on_slot(&self, state: &mut State, thread: usize, todo: SlotTodo, kind: Kind) {
        match todo {
            SlotTodo::Join { slot, into } => {
                state.slot(slot).holders += 1;
                match into {
                    Some(into) => state.threads[thread].assign(into, Value::Subscriber(slot)),
                    None => state.threads[thread].hands.push(Claim::Holder(slot)),
                }
            }
            SlotTodo::Leave(slot) => self.leave_slot(state, thread, slot),
            SlotTodo::Pin(place) => state.threads[thread].hands.push(Claim::Guard(place)),
            SlotTodo::Load(place) => {
                load(state, thread, place, kind);
                self.visit_after_load(state, thread, kind);
            }
            SlotTodo::Unpin(place) => self.unpin(state, thread, place),
            SlotTodo::Publish { slot, buffer } => swap_in(state, thread, slot, buffer),
            SlotTodo::Retire { slot, value } => self.retire(state, thread, slot, value),
            SlotTodo::Return(buffer) => {
                self.push_on_list(state, thread, buffer);
            }
        }
    }

    /// A peek visits nobody.
    fn visit_after_load(&self, state: &mut State, thread: usize, kind: Kind) {
        if let Kind::Slot { act: SlotAct::Load { buffer: Some(buffer) }, .. } = kind
            && self.has(Fault::LockAtPeek)
        {
            let plan = self.at(state.current(thread), self.owner(small(buffer)), Cause::ViewCreation, vec![]);
            state.threads[thread].first(plan);
        }
    }

    /// One holder less; the last one gives the current value back.
    fn leave_slot(&self, state: &mut State, thread: usize, slot: u8) {
        state.threads[thread].put_down(|claim| claim == Claim::Holder(slot));
        let there = state.slot(slot);
        there.holders = there.holders.saturating_sub(1);
        if there.holders == 0 && !self.has(Fault::LastHolderForgets) {
            let last = there.current.take();
            self.give_back(state, thread, last.into_iter().collect());
        }
    }

    /// What was taken out waits for every guard that there is, the thread's own included.
    fn retire(&self, state: &mut State, thread: usize, slot: u8, value: Shown) {
        state.threads[thread].put_down(|claim| claim == Claim::Replaced { slot, value });
        if self.has(Fault::RetiredAtOnce) {
            return self.give_back(state, thread, vec![value]);
        }
        let blockers = state.guards(slot);
        state.slot(slot).retired.push(Retired { value, blockers });
    }

    /// What waited for this guard alone passes to the thread.
    fn unpin(&self, state: &mut State, thread: usize, place: Place) {
        state.threads[thread].put_down(|claim| claim == Claim::Guard(place));
        let guard = Guard { thread: small(thread), variable: place.variable };
        let retired = &mut state.slot(place.slot).retired;
        retired.iter_mut().for_each(|retired| retired.blockers.retain(|&blocker| blocker != guard));
        let free = retired.extract_if(.., |retired| retired.blockers.is_empty());
        let free = free.map(|retired| retired.value).collect();
        if !self.has(Fault::ValueNeverReturned) {
            self.give_back(state, thread, free);
        }
    }

    /// The thread has these values for itself, and puts them on their owners' lists one after the other.
    fn give_back(&self, state: &mut State, thread: usize, values: Vec<Shown>) {
        let me = &mut state.threads[thread];
        if !values.is_empty() && matches!(me.operation, Operation::Release | Operation::DropEnd) {
            me.operation = Operation::LastRelease;
        }
        me.hands.extend(values.iter().map(|value| Claim::View(value.buffer)));
        me.first(values.iter().map(|value| Todo::Slot(SlotTodo::Return(value.buffer))).collect());
    }
}

/// Give up the holder in hand, and run what errands came of it.
fn leave(slot: u8) -> Plan {
    vec![Todo::Slot(SlotTodo::Leave(slot)), ERRANDS]
}

/// The value that was found is read from here on; if there is none, guard and reader go.
fn load(state: &mut State, thread: usize, place: Place, kind: Kind) {
    let Place { slot, variable } = place;
    let Kind::Slot { act: SlotAct::Load { buffer }, .. } = kind else { return };
    let kept = state.kept_for(slot, Guard { thread: small(thread), variable });
    let found = kept.into_iter().find(|shown| Some(usize::from(shown.buffer)) == buffer);
    let me = &mut state.threads[thread];
    match found {
        Some(value) => {
            // Guard and holder are the reading's from here on, and nothing else is in hand.
            me.hands.clear();
            me.assign(variable, Value::Reading { slot, value });
            me.results.push(StepResult::Bytes { buffer: value.buffer, version: value.version });
        }
        None => {
            me.results.push(StepResult::Nothing);
            me.first([vec![Todo::Slot(SlotTodo::Unpin(place))], leave(slot)].concat());
        }
    }
}

/// The exported buffer is the current value from here on. The one before is in the thread's hands.
fn swap_in(state: &mut State, thread: usize, slot: u8, buffer: u8) {
    let me = &mut state.threads[thread];
    let exported = me.put_down(|claim| matches!(claim, Claim::Message { buffer: b, .. } if b == buffer));
    let Some((buffer, version)) = exported.and_then(Claim::shows) else { return };
    me.results.push(StepResult::Published);
    let former = state.slot(slot).current.replace(Shown { buffer, version });
    if let Some(value) = former {
        let me = &mut state.threads[thread];
        me.hands.push(Claim::Replaced { slot, value });
        me.first(vec![Todo::Slot(SlotTodo::Retire { slot, value })]);
    }
}
