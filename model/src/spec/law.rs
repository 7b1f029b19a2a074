//! The law: what the guarantees demand of every action, whatever protocol asks for it. No fault changes this file.

use super::Rules;
use super::action::{Action, Cause, Kind, Side};
use super::guarantee::{Guarantee, Refusal, Violation};
use super::state::{Life, State};
use super::thread::{Claim, Operation, Value, small};

use Guarantee::{G1, G2, G3, G4, G5, G7, G9};

impl Rules {
    /// Whether an action is possible: lawful, wanted, and not blocked.
    pub(super) fn judge(&self, state: &State, action: Action) -> Result<(), Refusal> {
        self.well_formed(action)?;
        let intent = self.intents(state, action.thread).find(|intent| intent.kind == action.kind);
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
            Kind::Enter { interpreter, .. } | Kind::Leave { interpreter } | Kind::Stay { interpreter } => {
                interpreter < scenario.interpreters.len()
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
        };
        if exists && action.thread < scenario.threads.len() {
            Ok(())
        } else {
            Err(Refusal::Unexpected { why: format!("the scenario has no part for: {action}") })
        }
    }

    fn unexpected(&self, state: &State, action: Action) -> Refusal {
        let wanted: Vec<String> = self.wants(state, action.thread).iter().map(|&it| self.narrate(state, it)).collect();
        let wanted = if wanted.is_empty() { "nothing".to_owned() } else { wanted.join(" or ") };
        let did = action.describe(&self.scenario);
        Refusal::Unexpected { why: format!("{} {did}, but wants: {wanted}", self.thread_name(action.thread)) }
    }

    fn law(&self, state: &State, action: Action) -> Result<(), Violation> {
        let Action { thread, kind } = action;
        let me = &state.threads[thread];
        match kind {
            Kind::Enter { interpreter, cause } => {
                self.law_of_one_lock(state, action)?;
                self.law_of_causes(state, action, interpreter, cause)
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
                self.demand(me.holds(Value::Handle(small(buffer))), G3, action, "without a handle to copy")
            }
            Kind::Dereference { buffer } => {
                self.law_of_counts(state, action, buffer)?;
                let has = me.hands.iter().any(|claim| claim.reference() == Some(small(buffer)));
                self.demand(has, G3, action, "that it does not have")
            }
            Kind::Export { buffer } => {
                self.law_of_counts(state, action, buffer)?;
                let has = me.hands.iter().any(|&claim| message(claim) == Some(small(buffer)));
                self.demand(has, G3, action, "without a message of it")
            }
            Kind::Unexport { buffer } => {
                self.law_of_counts(state, action, buffer)?;
                self.demand(me.has(Claim::View(small(buffer))), G3, action, "that it does not have")
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
                let has = versions_seen(state, thread, buffer).next().is_some();
                self.demand(has, G3, action, "without having one")
            }
            Kind::Read { buffer } => self.law_of_reading(state, action, buffer),
            Kind::Send { channel } => self.law_of_sending(state, action, channel),
            Kind::Receive { channel } => {
                let has = me.holds(Value::ReceiveEnd(small(channel)));
                self.demand(has, G9, action, "without its receive end")?;
                self.demand(state.queued(channel) > 0, G5, action, "although nothing is queued")
            }
            Kind::CloneSender { channel } => {
                self.demand(me.holds(Value::SendEnd(small(channel))), G9, action, "without having one")
            }
            Kind::DropSender { channel } | Kind::Close { channel, side: Side::Send } => {
                let has = me.has(Claim::SendEnd(small(channel)));
                self.demand(has, G9, action, "without having a send end to give up")
            }
            Kind::Close { channel, side: Side::Receive } => {
                let has = me.has(Claim::ReceiveEnd(small(channel)));
                self.demand(has, G9, action, "without having the receive end to give up")
            }
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

    /// G1: the row of the strategy `view`. Receive creates a view, last release and discard release one, each in the
    /// interpreter that owns the buffer in hand; nothing else acquires a foreign lock.
    fn law_of_causes(&self, state: &State, action: Action, interpreter: usize, cause: Cause) -> Result<(), Violation> {
        let me = &state.threads[action.thread];
        let is_home = me.home.map(usize::from) == Some(interpreter);
        let has = |wanted: fn(Claim) -> Option<u8>| {
            me.hands.iter().filter_map(|&claim| wanted(claim)).any(|b| usize::from(self.owner(b)) == interpreter)
        };
        let lawful = match (cause, me.operation) {
            (Cause::Attach, operation) => operation.may_attach(),
            (Cause::Return, _) => is_home,
            (Cause::Safepoint, operation) => is_home && operation == Operation::Safepoint,
            (Cause::ViewCreation, Operation::Receive) => has(message),
            (Cause::ViewRelease, Operation::LastRelease) => has(view),
            (Cause::ViewRelease, Operation::Discard) => has(message),
            (Cause::ViewCreation | Cause::ViewRelease, _) => false,
        };
        if lawful {
            return Ok(());
        }
        self.demand(false, G1, action, &format!("with cause {cause}, in operation {}", me.operation))
    }

    /// G3: the counts of a buffer are touched only under its owner's lock.
    fn law_of_lock(&self, state: &State, action: Action, buffer: usize) -> Result<(), Violation> {
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
        let has = state.threads[action.thread].holds(Value::SendEnd(small(channel)));
        self.demand(has, G9, action, "without a send end")?;
        self.demand(state.channels[channel].takes_messages(), G5, action, "although it is closed")?;
        self.demand(self.has_space(state, channel), G5, action, "although it is full")
    }

    fn demand(&self, holds: bool, guarantee: Guarantee, action: Action, but: &str) -> Result<(), Violation> {
        if holds {
            return Ok(());
        }
        let (name, did) = (self.thread_name(action.thread), action.describe(&self.scenario));
        Err(Violation::new(guarantee, format!("{name} {did} {but}")))
    }
}

/// The versions that the views of a thread on a buffer show.
fn versions_seen(state: &State, thread: usize, buffer: usize) -> impl Iterator<Item = u16> {
    let views = state.threads[thread].variables.iter().filter_map(|value| match *value {
        Value::View(view) => state.views[usize::from(view)].as_ref(),
        Value::Empty | Value::Handle(_) | Value::SendEnd(_) | Value::ReceiveEnd(_) => None,
    });
    views.filter(move |view| usize::from(view.buffer) == buffer).map(|view| view.version)
}

/// Whether somebody holds the lock that the action needs.
fn is_obstructed(state: &State, action: Action) -> bool {
    matches!(action.kind, Kind::Enter { interpreter, .. } if state.holder(interpreter).is_some())
}

/// The buffer of a message in hand.
fn message(claim: Claim) -> Option<u8> {
    match claim {
        Claim::Message { buffer, .. } => Some(buffer),
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
