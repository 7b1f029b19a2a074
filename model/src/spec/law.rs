//! The law: what the guarantees demand of every action, whatever protocol asks for it. No fault changes this file.

use super::Rules;
use super::action::{Action, Cause, Kind, Side};
use super::guarantee::{Guarantee, Refusal, Violation};
use super::operation::Operation;
use super::row::{messages_are_exported, row};
use super::state::{Life, State, ViewState};
use super::thread::{Claim, Value, small};
use super::wants::Intent;
use crate::scenario::Strategy;

use Guarantee::{G1, G2, G3, G4, G5, G7, G8, G9};

impl Rules {
    /// Whether an action is possible: lawful, wanted, and not blocked.
    pub(super) fn judge(&self, state: &State, action: Action) -> Result<(), Refusal> {
        self.well_formed(action)?;
        let intent = self.intents(state, action.thread).find(|intent| intent.kind == action.kind);
        let late = self.loads_late(state, action.thread, action.kind);
        let intent = intent.or(late.then_some(Intent { kind: action.kind, waits: false }));
        if intent.is_some_and(|intent| intent.waits) {
            return Err(Refusal::Blocked);
        }
        self.law(state, action)?;
        match intent {
            None => Err(self.unexpected(state, action)),
            Some(_) if is_obstructed(state, action) => Err(Refusal::Blocked),
            Some(_) => Ok(()),
        }
    }

    /// Refuses what names something that does not exist.
    fn well_formed(&self, action: Action) -> Result<(), Refusal> {
        let scenario = &self.scenario;
        let exists = match action.kind {
            Kind::Enter { interpreter, .. }
            | Kind::Leave { interpreter }
            | Kind::Stay { interpreter }
            | Kind::Ending { interpreter }
            | Kind::Ended { interpreter }
            | Kind::Inspect { interpreter } => interpreter < scenario.interpreters.len(),
            Kind::Attend { interpreter }
            | Kind::Unattend { interpreter }
            | Kind::Look { interpreter }
            | Kind::Collect { interpreter }
            | Kind::LetGo { interpreter } => self.has_return_list(interpreter),
            Kind::Return { interpreter, buffer } => {
                let owner = scenario.buffers.get(buffer).map(|buffer| buffer.owner);
                self.has_return_list(interpreter) && owner == Some(interpreter)
            }
            Kind::Reference { buffer }
            | Kind::Dereference { buffer }
            | Kind::Export { buffer }
            | Kind::Unexport { buffer }
            | Kind::Free { buffer }
            | Kind::Thaw { buffer }
            | Kind::ThawRefused { buffer }
            | Kind::Freeze { buffer }
            | Kind::CloneView { buffer }
            | Kind::DropView { buffer }
            | Kind::Seek { buffer }
            | Kind::Join { buffer }
            | Kind::Read { buffer } => buffer < scenario.buffers.len(),
            Kind::Moor { channel, inside } => {
                channel < scenario.channels.len() && inside.is_none_or(|inside| inside < scenario.channels.len())
            }
            Kind::Send { channel }
            | Kind::SendRefused { channel, .. }
            | Kind::Receive { channel }
            | Kind::ReceiveRefused { channel, .. }
            | Kind::CloneSender { channel }
            | Kind::DropSender { channel }
            | Kind::Close { channel, .. }
            | Kind::Probe { channel } => channel < scenario.channels.len(),
            Kind::Slot { slot, act } => {
                slot < scenario.slots.len() && act.buffer().is_none_or(|buffer| buffer < scenario.buffers.len())
            }
        };
        if exists && action.thread < scenario.threads.len() {
            Ok(())
        } else {
            Err(Refusal::Unexpected { why: format!("the scenario has no part for: {action}") })
        }
    }

    /// Whether there is such an interpreter, under a strategy that gives it a return list.
    fn has_return_list(&self, interpreter: usize) -> bool {
        self.has_return_lists() && interpreter < self.scenario.interpreters.len()
    }

    fn unexpected(&self, state: &State, action: Action) -> Refusal {
        let did = action.describe(&self.scenario);
        let wanted = self.wants_in_words(state, action.thread);
        Refusal::Unexpected { why: format!("{} {did}, but wants: {wanted}", self.thread_name(action.thread)) }
    }

    fn law(&self, state: &State, action: Action) -> Result<(), Violation> {
        let Action { thread, kind } = action;
        let me = &state.threads[thread];
        match kind {
            Kind::Enter { interpreter, cause } => {
                self.law_of_one_lock(state, action)?;
                self.law_of_causes(state, action, interpreter, cause)?;
                self.law_of_coming_back(state, action, interpreter, cause)
            }
            Kind::Leave { interpreter } => {
                self.demand(state.holder(interpreter) == Some(thread), G4, action, "without holding the lock")
            }
            Kind::Stay { .. }
            | Kind::SendRefused { .. }
            | Kind::ReceiveRefused { .. }
            | Kind::Moor { .. }
            | Kind::Probe { .. } => Ok(()),
            Kind::Reference { buffer } => {
                self.law_of_counts(state, action, buffer)?;
                self.demand(self.may_refer(state, thread, buffer), G3, action, "without a handle to copy")
            }
            Kind::Dereference { buffer } => {
                self.law_of_counts(state, action, buffer)?;
                let has = me.hands.iter().any(|claim| claim.reference() == Some(small(buffer)));
                self.demand(has, G3, action, "that it does not have")
            }
            Kind::Export { buffer } => {
                self.law_of_counts(state, action, buffer)?;
                self.demand(self.may_export(state, thread, buffer), G3, action, "without a message of it")?;
                self.law_of_delivery(state, action, buffer)
            }
            Kind::Unexport { buffer } => {
                self.law_of_counts(state, action, buffer)?;
                self.demand(self.has_export(state, thread, buffer), G3, action, "that it does not have")
            }
            Kind::Free { buffer } => self.law_of_freeing(state, action, buffer),
            Kind::Thaw { buffer } => {
                self.law_of_counts(state, action, buffer)?;
                let tally = state.tally(buffer);
                self.demand(!tally.is_shared(), G2, action, "while a message or a view shows the bytes")?;
                self.demand(tally.handles == 1, G2, action, "while another handle exists")
            }
            Kind::ThawRefused { buffer } => self.law_of_counts(state, action, buffer),
            Kind::Freeze { buffer } => {
                self.law_of_lock(state, action, buffer)?;
                let shared = state.tally(buffer).is_shared();
                self.demand(!shared, G2, action, "while a message or a view shows the old ones")
            }
            Kind::CloneView { buffer } | Kind::DropView { buffer } => {
                self.demand(has_view(state, thread, buffer), G3, action, "without having one")
            }
            Kind::Read { buffer } => self.law_of_reading(state, action, buffer),
            Kind::Send { channel } => self.law_of_sending(state, action, channel),
            Kind::Receive { channel } => {
                let has = me.holds(Value::ReceiveEnd(small(channel)));
                self.demand(has, G9, action, "without its receive end")?;
                self.demand(state.queued(channel) > 0, G5, action, "although nothing is queued")
            }
            Kind::CloneSender { channel } => {
                self.demand(me.holds_send_end(small(channel)), G9, action, "without having one")
            }
            Kind::DropSender { channel } | Kind::Close { channel, side: Side::Send } => {
                let has = me.has(Claim::SendEnd(small(channel)));
                self.demand(has, G9, action, "without having a send end to give up")
            }
            Kind::Close { channel, side: Side::Receive } => {
                let has = me.has(Claim::ReceiveEnd(small(channel)));
                self.demand(has, G9, action, "without having the receive end to give up")
            }
            Kind::Ending { interpreter } => self.law_of_ending(state, action, interpreter),
            Kind::Ended { interpreter } => self.law_of_end(state, action, interpreter),
            Kind::Inspect { interpreter } => self.law_of_inspection(state, action, interpreter),
            Kind::Attend { interpreter } | Kind::Unattend { interpreter } | Kind::Look { interpreter } => {
                self.law_of_attendance(state, action, interpreter)
            }
            Kind::Collect { interpreter } => {
                self.law_of_attendance(state, action, interpreter)?;
                let has = !state.returns[interpreter].buffers.is_empty();
                self.demand(has, G3, action, "although nothing is on it")
            }
            Kind::Return { buffer, .. } => {
                let here = state.current(thread).map(|here| &state.returns[usize::from(here)].outbox);
                let has = here.is_some_and(|outbox| outbox.contains(&small(buffer)));
                let has = has || self.has_export(state, thread, buffer);
                self.demand(has, G3, action, "without having it to give back")
            }
            Kind::LetGo { interpreter } => {
                self.demand(me.errands.contains(&small(interpreter)), G8, action, "without having the errand")
            }
            Kind::Seek { buffer } => {
                let has = has_message(state, thread, buffer);
                self.demand(has, G3, action, "without a message of it")?;
                self.law_of_delivery(state, action, buffer)
            }
            Kind::Join { buffer } => {
                let fresh =
                    |&claim: &Claim| matches!(claim, Claim::Fresh { buffer: b, .. } if usize::from(b) == buffer);
                self.demand(me.hands.iter().any(fresh), G3, action, "without having made one")
            }
            Kind::Slot { slot, act } => self.law_of_slots(state, action, slot, act),
        }
    }

    /// G4: a thread that waits for an interpreter's lock holds neither another one nor a channel's.
    fn law_of_one_lock(&self, state: &State, action: Action) -> Result<(), Violation> {
        let held = state.attachment(action.thread).map(|held| &self.scenario.interpreters[held]);
        if let Some(held) = held {
            return self.demand(false, G4, action, &format!("while it holds the lock of {held}"));
        }
        let latched = state.aside.as_ref().and_then(|aside| aside.latched_by(action.thread));
        match latched {
            Some(channel) => {
                let name = &self.scenario.channels[channel].name;
                self.demand(false, G4, action, &format!("while it holds the lock of channel {name}"))
            }
            None => Ok(()),
        }
    }

    /// G1: the row of the strategy, and what belongs to no row: a thread's own locks, and its errands.
    fn law_of_causes(&self, state: &State, action: Action, interpreter: usize, cause: Cause) -> Result<(), Violation> {
        let me = &state.threads[action.thread];
        let is_home = me.home.map(usize::from) == Some(interpreter);
        let lawful = match cause {
            Cause::Attach => me.operation.may_attach(),
            Cause::Return => is_home,
            Cause::Safepoint => is_home && me.operation == Operation::Safepoint,
            Cause::Collection => me.operation == Operation::Errand && me.errands.contains(&small(interpreter)),
            Cause::ViewCreation | Cause::ViewRelease => {
                let in_row = row(self.strategy, me.operation) == Some(cause);
                in_row && self.is_about(state, action.thread, interpreter)
            }
        };
        if lawful {
            return Ok(());
        }
        self.demand(false, G1, action, &format!("with cause {cause}, in operation {}", me.operation))
    }

    /// Whether what a thread does is about a buffer of this interpreter: it has it in hand, or in a view that it clones.
    fn is_about(&self, state: &State, thread: usize, interpreter: usize) -> bool {
        let me = &state.threads[thread];
        let is_its = |buffer: u8| usize::from(self.owner(buffer)) == interpreter;
        let has = |wanted: fn(Claim) -> Option<u8>| me.hands.iter().filter_map(|&claim| wanted(claim)).any(is_its);
        match me.operation {
            // An interpreter's first reference only: who belongs to one has looked for its proxy.
            Operation::Receive if self.strategy == Strategy::Proxy && me.home.is_some() => has(sought),
            Operation::Receive | Operation::Discard => has(Claim::message),
            Operation::Release | Operation::LastRelease => has(view),
            Operation::Clone | Operation::Slice => views_held(state, thread).any(|view| is_its(view.buffer)),
            _ => false,
        }
    }

    /// G3: a reference is taken by copying a handle, or for a clone that is a view of its own.
    fn may_refer(&self, state: &State, thread: usize, buffer: usize) -> bool {
        let me = &state.threads[thread];
        let clones = self.strategy == Strategy::Shared && matches!(me.operation, Operation::Clone | Operation::Slice);
        me.holds(Value::Handle(small(buffer))) || (clones && has_view(state, thread, buffer))
    }

    /// G3: an export is taken for a message in hand, or for a handle that is about to be one.
    fn may_export(&self, state: &State, thread: usize, buffer: usize) -> bool {
        let me = &state.threads[thread];
        if messages_are_exported(self.strategy) {
            me.operation == Operation::Send && me.holds(Value::Handle(small(buffer)))
        } else {
            has_message(state, thread, buffer)
        }
    }

    /// G3: an export belongs to a view in release, or to a message that has one.
    fn has_export(&self, state: &State, thread: usize, buffer: usize) -> bool {
        let by_message = messages_are_exported(self.strategy) && has_message(state, thread, buffer);
        by_message || state.threads[thread].has(Claim::View(small(buffer)))
    }

    /// G3: who collects, or says that it will, is inside.
    fn law_of_attendance(&self, state: &State, action: Action, interpreter: usize) -> Result<(), Violation> {
        let locked = state.holder(interpreter) == Some(action.thread);
        let name = &self.scenario.interpreters[interpreter];
        self.demand(locked, G3, action, &format!("without the lock of {name}"))
    }

    /// G3: the counts of a buffer are touched only under its owner's lock.
    pub(super) fn law_of_lock(&self, state: &State, action: Action, buffer: usize) -> Result<(), Violation> {
        let owner = self.scenario.buffers[buffer].owner;
        let locked = state.holder(owner) == Some(action.thread);
        let name = &self.scenario.interpreters[owner];
        self.demand(locked, G3, action, &format!("without the lock of its owner {name}"))
    }

    /// G3: … and only while it exists.
    fn law_of_counts(&self, state: &State, action: Action, buffer: usize) -> Result<(), Violation> {
        self.law_of_lock(state, action, buffer)?;
        match state.buffers[buffer].life {
            Life::Frozen => Ok(()),
            Life::Thawed => self.demand(false, G3, action, "although it is thawed"),
            Life::Freed => self.demand(false, G3, action, "although it is freed"),
        }
    }

    /// G3: freed once, by the owner, when nothing refers to it. G7: above all no message and no view.
    fn law_of_freeing(&self, state: &State, action: Action, buffer: usize) -> Result<(), Violation> {
        self.law_of_counts(state, action, buffer)?;
        let tally = state.tally(buffer);
        self.demand(tally.messages == 0, G7, action, "under a message")?;
        self.demand(tally.views + tally.unexported == 0, G7, action, "under a view")?;
        let unreferenced = tally.handles == 0 && state.buffers[buffer].references == 0;
        self.demand(unreferenced, G3, action, "although it is referenced")
    }

    /// G2, G3, G7: who has a view reads the bytes that were sent, and never freed ones.
    fn law_of_reading(&self, state: &State, action: Action, buffer: usize) -> Result<(), Violation> {
        let there = &state.buffers[buffer];
        self.demand(there.life != Life::Freed, G3, action, "after it was freed")?;
        self.demand(there.life != Life::Thawed, G2, action, "while somebody writes to it")?;
        let same = versions_seen(state, action.thread, buffer).all(|version| version == there.version);
        self.demand(same, G2, action, "which no longer has the bytes that were sent")
    }

    /// G5: a message enters only where it can be received. G9: through a send end.
    fn law_of_sending(&self, state: &State, action: Action, channel: usize) -> Result<(), Violation> {
        let has = state.threads[action.thread].holds_send_end(small(channel));
        self.demand(has, G9, action, "without a send end")?;
        self.demand(state.channels[channel].takes_messages(), G5, action, "although it is closed")?;
        self.demand(self.has_space(state, channel), G5, action, "although it is full")
    }

    pub(super) fn demand(&self, holds: bool, guarantee: Guarantee, action: Action, but: &str) -> Result<(), Violation> {
        if holds {
            return Ok(());
        }
        let (name, did) = (self.thread_name(action.thread), action.describe(&self.scenario));
        Err(Violation::new(guarantee, format!("{name} {did} {but}")))
    }
}

/// The views of a thread, each as often as it has clones of it.
fn views_held(state: &State, thread: usize) -> impl Iterator<Item = &ViewState> {
    state.threads[thread].variables.iter().filter_map(|value| match *value {
        Value::View(view) => state.views[usize::from(view)].as_ref(),
        _ => None,
    })
}

/// The versions that the views and the readings of a thread on a buffer show.
fn versions_seen(state: &State, thread: usize, buffer: usize) -> impl Iterator<Item = u16> {
    let views = views_held(state, thread).map(|view| (view.buffer, view.version));
    let readings = state.threads[thread].variables.iter().filter_map(|value| match *value {
        Value::Reading { value, .. } => Some((value.buffer, value.version)),
        _ => None,
    });
    views.chain(readings).filter(move |&(shown, _)| usize::from(shown) == buffer).map(|(_, version)| version)
}

fn has_view(state: &State, thread: usize, buffer: usize) -> bool {
    views_held(state, thread).any(|view| usize::from(view.buffer) == buffer)
}

fn has_message(state: &State, thread: usize, buffer: usize) -> bool {
    state.threads[thread].hands.iter().any(|claim| claim.message() == Some(small(buffer)))
}

/// Whether somebody holds the lock that the action needs.
fn is_obstructed(state: &State, action: Action) -> bool {
    matches!(action.kind, Kind::Enter { interpreter, .. } if state.holder(interpreter).is_some())
}

/// The buffer of a message for which no proxy was found.
fn sought(claim: Claim) -> Option<u8> {
    match claim {
        Claim::Sought { buffer, .. } => Some(buffer),
        _ => None,
    }
}

/// The buffer of a view in release.
fn view(claim: Claim) -> Option<u8> {
    match claim {
        Claim::View(buffer) | Claim::Reference(buffer) => Some(buffer),
        _ => None,
    }
}
