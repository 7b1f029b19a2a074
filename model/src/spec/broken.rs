//! Where a broken protocol differs from the protocol in `program` and `effect`.
//!
//! Most faults rewrite one plan; the others change one decision. Without a fault every function in here is the
//! identity, or the decision as it should be.

use super::action::{Cause, Kind, Side, Why};
use super::broken_life::wake_threads_of;
use super::effect;
use super::life::Phase;
use super::operation::Operation;
use super::program::Plan;
use super::state::{BufferState, Content, Message, State, ViewState};
use super::thread::{Claim, Receiving, Sending, StepResult, Todo, Value, Window, small};
use super::{Fault, Rules};

/// Which plan it is that passes [`Rules::amend`].
#[derive(Clone, Copy, Debug)]
pub(super) enum Moment {
    /// Clone or slice this view.
    Cloning { view: u8 },
    /// Drop one clone of this view.
    Dropping { view: u8 },
    /// The last clone is gone: give back this buffer.
    LastRelease { buffer: u8 },
    /// Discard one queued message.
    Discarding { content: Content },
    /// Make a view of the buffer that was received.
    Creating { buffer: u8 },
    /// Look whether the owner of the message in hand is ending.
    Inspecting { buffer: u8, version: u16, receiving: Receiving },
    /// Wait for a message or for space.
    Waiting,
    /// Export a buffer that is to be sent; empty if it needs none.
    Pinning,
    /// A send was finally refused: keep what was to be sent.
    Refused { sending: Sending },
    /// A message was sent; nothing follows.
    Sent { content: Content },
    /// Check that a receive end may be sent; empty if it is its own channel.
    Mooring { sending: Sending },
    /// The check succeeded.
    Reachable { sending: Sending, moving: u8 },
}

/// State that only broken protocols keep.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Aside {
    /// For each thread whether it sleeps until somebody wakes it.
    pub(super) asleep: Vec<bool>,
    /// Channels whose lock is held beyond one action, and by which thread.
    pub(super) latches: Vec<(u8, u8)>,
    /// For each interpreter the buffers on its release list.
    pub(super) returned: Vec<Vec<u8>>,
}

impl Aside {
    /// The channel whose lock a thread holds.
    pub(super) fn latched_by(&self, thread: usize) -> Option<usize> {
        self.latches.iter().find(|&&(_, holder)| usize::from(holder) == thread).map(|&(channel, _)| channel.into())
    }

    /// Gives up all channel locks of a thread.
    pub(super) fn unlatch(&mut self, thread: usize) {
        self.latches.retain(|&(_, holder)| usize::from(holder) != thread);
    }
}

impl State {
    /// Whether a thread misses what happens because nobody woke it.
    pub(super) fn is_asleep(&self, thread: usize) -> bool {
        self.aside.as_ref().is_some_and(|aside| aside.asleep.get(thread).copied().unwrap_or_default())
    }
}

impl Rules {
    /// Whether this protocol is broken in that place.
    pub(super) fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// The extra state that the fault needs, if any.
    pub(super) fn aside(&self) -> Option<Box<Aside>> {
        let needed = self.loses_wakeups() || self.latches_channels() || self.has(Fault::BoundedReleaseList);
        needed.then(|| {
            let asleep = vec![false; self.scenario.threads.len()];
            let returned = vec![vec![]; self.scenario.interpreters.len()];
            Box::new(Aside { asleep, latches: vec![], returned })
        })
    }

    /// What the broken protocol does instead of `plan`.
    pub(super) fn amend(&self, state: &mut State, thread: usize, moment: Moment, mut plan: Plan) -> Plan {
        let Some(fault) = self.fault else { return plan };
        let current = state.current(thread);
        match (fault, moment) {
            (Fault::WrongCause, Moment::LastRelease { .. }) => {
                for todo in &mut plan {
                    if let Todo::Enter(_, cause @ Cause::ViewRelease) = todo {
                        *cause = Cause::Attach;
                    }
                }
            }
            (Fault::LockAtClone, Moment::Cloning { view }) => {
                return self.at_owner_of(state, thread, view, Cause::ViewCreation, plan);
            }
            (Fault::LockAtEveryRelease, Moment::Dropping { view }) => {
                return self.at_owner_of(state, thread, view, Cause::ViewRelease, plan);
            }
            (Fault::LockAtReceive, Moment::Creating { buffer }) => {
                return self.at(current, self.owner(buffer), Cause::ViewCreation, plan);
            }
            (Fault::LockAtLastRelease, Moment::LastRelease { buffer }) => {
                let counts = vec![Todo::Unexport(buffer), Todo::Dereference(buffer)];
                return self.at(current, self.owner(buffer), Cause::ViewRelease, counts);
            }
            (Fault::NoLockAtCreation, Moment::Creating { .. })
            | (Fault::NoLockAtClone, Moment::Cloning { .. })
            | (Fault::NoLockAtRelease, Moment::LastRelease { .. }) => {
                plan.retain(|todo| !matches!(todo, Todo::Enter(..) | Todo::Leave(_)));
            }
            (Fault::MessageWithoutReference, Moment::Sent { content: Content::Buffer { buffer, .. } }) => {
                plan.push(Todo::Dereference(buffer));
            }
            (Fault::ViewWithoutReference, Moment::Creating { .. }) => repeat(&mut plan, |todo| match todo {
                Todo::Export { buffer, .. } | Todo::ExportFresh(buffer) => Some(Todo::Dereference(buffer)),
                _ => None,
            }),
            (Fault::DoubleRelease, Moment::LastRelease { .. }) => repeat(&mut plan, |todo| match todo {
                Todo::Dereference(_) => Some(todo),
                _ => None,
            }),
            (Fault::ForgottenRelease, Moment::LastRelease { .. })
            | (Fault::MessageWithoutExport, Moment::Pinning)
            | (Fault::DiscardLeaks, Moment::Discarding { content: Content::Buffer { .. } })
            | (Fault::EndsLeakAtClose, Moment::Discarding { content: Content::SendEnd(..) | Content::ReceiveEnd(_) }) => {
                plan.clear()
            }
            (
                Fault::NobodyAdopts,
                Moment::LastRelease { buffer } | Moment::Discarding { content: Content::Buffer { buffer, .. } },
            ) if state.phases[usize::from(self.owner(buffer))] == Phase::Ended => plan.clear(),
            (Fault::PolicyAndValue, Moment::Inspecting { buffer, version, receiving }) => {
                state.threads[thread].first(plan);
                let message = Claim::Message { buffer, version };
                state.threads[thread].put_down(|claim| claim == message);
                self.deliver(state, thread, buffer, version, receiving);
                return vec![];
            }
            (Fault::OwnLockKept, Moment::LastRelease { .. } | Moment::Discarding { .. }) => {
                let is_own = |interpreter| Some(interpreter) == current;
                plan.retain(|todo| match *todo {
                    Todo::Leave(interpreter) | Todo::Enter(interpreter, Cause::Return) => !is_own(interpreter),
                    _ => true,
                });
            }
            (Fault::WithdrawLeaks, Moment::Refused { sending }) => {
                plan.retain(|todo| !matches!(todo, Todo::Unpin { .. }));
                let me = &mut state.threads[thread];
                if let Value::Handle(_) = me.variable(sending.what) {
                    me.assign(sending.what, Value::Empty);
                }
            }
            (Fault::WaitWithOwnLock, Moment::Waiting) => {
                plan.retain(|todo| matches!(todo, Todo::Take(_) | Todo::WaitSend(_)));
            }
            (Fault::BoundedReleaseList | Fault::ReleaseGivesUp, Moment::LastRelease { buffer }) => {
                return self.release_without_waiting(state, thread, buffer, plan);
            }
            (Fault::ReachabilityUnchecked, Moment::Mooring { sending }) => return vec![Todo::TrySend(sending)],
            (Fault::MoorAfterProbe, Moment::Mooring { .. }) => {
                plan.retain(|todo| !matches!(todo, Todo::Moor { .. }));
            }
            (Fault::MoorAfterProbe, Moment::Reachable { sending, moving }) => {
                plan.insert(0, Todo::Moor { channel: moving, inside: Some(sending.channel) });
            }
            _ => {}
        }
        plan
    }

    /// The plan in a visit to the owner of a view.
    fn at_owner_of(&self, state: &State, thread: usize, view: u8, cause: Cause, plan: Plan) -> Plan {
        match &state.views[usize::from(view)] {
            Some(view) => self.away(state.current(thread), self.visit(self.owner(view.buffer), cause, plan)),
            None => plan,
        }
    }

    /// A release that puts the buffer on the busy owner's list, or fails.
    fn release_without_waiting(&self, state: &mut State, thread: usize, buffer: u8, plan: Plan) -> Plan {
        let owner = usize::from(self.owner(buffer));
        if state.holder(owner).is_none_or(|holder| holder == thread) {
            return plan;
        }
        let list = state.aside.as_mut().map(|aside| &mut aside.returned[owner]);
        match list.filter(|list| list.is_empty()) {
            Some(list) => list.push(buffer),
            None => state.threads[thread].results.push(StepResult::ReleaseFailed),
        }
        state.threads[thread].hands.clear();
        vec![]
    }

    /// Whether a buffer that is returned gets lost.
    pub(super) fn loses_returned(&self, state: &mut State, thread: usize, owner: u8) -> bool {
        let loses = self.has(Fault::ReturnListDropsWhenFull) && !state.list(owner).buffers.is_empty();
        if loses {
            state.threads[thread].results.push(StepResult::ReleaseFailed);
        }
        loses
    }

    /// Whether a receive makes its message a clone of a proxy that is being released: the proxy's export goes with it.
    pub(super) fn revives_the_dead(&self, state: &mut State, thread: usize, buffer: u8, window: Window) -> bool {
        let home = state.threads[thread].home;
        let is_dying = (state.threads.iter())
            .any(|other| other.operation == Operation::LastRelease && other.has(Claim::View(buffer)));
        if !self.has(Fault::DeadProxyRevived) || !is_dying {
            return false;
        }
        let me = &mut state.threads[thread];
        if let Some((_, version)) = me.put_down(|claim| claim.message() == Some(buffer)).and_then(Claim::shows) {
            me.assign(window.into, Value::View(window.view));
            *state.view(window.view) =
                Some(ViewState { proxy: home, ..ViewState::new(buffer, version, window.is_copy) });
        }
        true
    }

    /// Whether a handle may be thawed: by the counts, the only thing that refers to the buffer.
    pub(super) fn is_sole(&self, state: &State, buffer: u8) -> bool {
        let BufferState { references, exports, .. } = state.buffers[usize::from(buffer)];
        match self.fault {
            Some(Fault::ThawIgnoresMessages) => references.saturating_sub(state.tally(buffer.into()).messages) == 1,
            Some(Fault::ThawIgnoresViews) => references.saturating_sub(exports) == 1,
            _ => references == 1 && exports == 0,
        }
    }

    /// Whether the bytes are freed now that a reference was given back: by the count, when none is left.
    pub(super) fn frees(&self, state: &State, buffer: u8, given_back: Option<Claim>) -> bool {
        let tally = state.tally(buffer.into());
        let last_handle = matches!(given_back, Some(Claim::Handle(_))) && tally.handles == 0;
        match self.fault {
            Some(Fault::LastHandleFreesViews) if last_handle && tally.messages == 0 => true,
            Some(Fault::LastHandleFreesMessages) if last_handle && tally.views + tally.unexported == 0 => true,
            _ => state.references(buffer.into()) == 0,
        }
    }

    /// Whether the walk before a receive end is sent has come round: to any channel that it has seen.
    pub(super) fn closes_circle(&self, seen: bool, is_start: bool) -> bool {
        match self.fault {
            Some(Fault::WalkGoesRound) => false,
            Some(Fault::WalkLooksForItsStart) => is_start,
            _ => seen,
        }
    }

    /// Which message a receive takes out of a queue: the oldest one.
    pub(super) fn front(&self, queue: &[Message]) -> usize {
        if self.has(Fault::LifoOrder) { queue.len().saturating_sub(1) } else { 0 }
    }

    /// What a broken protocol does in addition, in the same atomic action.
    pub(super) fn aftermath(&self, state: &mut State, thread: usize, todo: Todo, kind: Kind) {
        match (self.fault, todo, kind) {
            (Some(Fault::CloneNotCounted), Todo::CloneView { view, .. }, _) => {
                if let Some(view) = state.view(view) {
                    view.clones -= 1;
                }
            }
            (
                Some(Fault::TimeoutForgetsRace),
                Todo::WaitSend(sending),
                Kind::SendRefused { why: Why::TimedOut, .. },
            )
            | (
                Some(Fault::InterruptForgetsRace),
                Todo::WaitSend(sending),
                Kind::SendRefused { why: Why::Interrupted, .. },
            ) => {
                if let Some(content) = effect::content(state, thread, sending) {
                    let channel = state.channel(sending.channel);
                    channel.queue.push(Message { ticket: channel.sent, content });
                }
            }
            (Some(Fault::LostMessage), Todo::DropSender(channel) | Todo::Close(channel, Side::Send), _) => {
                let channel = state.channel(channel);
                if channel.senders == 0 {
                    channel.queue.clear();
                }
            }
            (Some(Fault::DiscardUnderChannelLock), Todo::Close(channel, Side::Receive), _) => {
                if let Some(aside) = &mut state.aside {
                    aside.latches.push((channel, small(thread)));
                }
            }
            (_, Todo::Inspect { receiving, .. }, Kind::Inspect { interpreter }) => {
                self.after_inspection(state, thread, receiving, interpreter);
            }
            (Some(Fault::EndDropsUndelivered), Todo::Ended(interpreter), _) => {
                self.drop_undelivered(state, interpreter)
            }
            (Some(Fault::BoundedReleaseList), _, Kind::Leave { interpreter }) => collect_returned(state, interpreter),
            (Some(Fault::ErrandLeftSet), Todo::LetGo(interpreter), _) => {
                let gone = !state.threads[thread].errands.contains(&interpreter);
                state.list(interpreter).errand |= gone;
            }
            (Some(fault), _, _) if self.loses_wakeups() => wake(state, fault, kind),
            _ => {}
        }
    }

    fn loses_wakeups(&self) -> bool {
        self.has(Fault::CloseForgetsWaiters)
            || self.has(Fault::SendForgetsWaiters)
            || self.has(Fault::EndForgetsWaiters)
    }

    fn latches_channels(&self) -> bool {
        self.has(Fault::DiscardUnderChannelLock) || self.has(Fault::RemovalUnderChannelLock)
    }

    /// Threads that found nothing and wait fall asleep, where wake-ups can be lost.
    pub(super) fn fall_asleep(&self, state: &mut State) {
        if !self.loses_wakeups() {
            return;
        }
        for thread in 0..state.threads.len() {
            let waits = self.waits_at(state, thread);
            let Some(asleep) = state.aside.as_mut().and_then(|aside| aside.asleep.get_mut(thread)) else { return };
            match waits {
                None => *asleep = false,
                Some((_, _, false)) => *asleep = true,
                Some((_, _, true)) => {}
            }
        }
    }
}

/// Wakes who waits at the channel where `kind` changed something, unless the fault forgets it.
fn wake(state: &mut State, fault: Fault, kind: Kind) {
    let changed = match kind {
        Kind::Ending { interpreter } if fault != Fault::EndForgetsWaiters => {
            return wake_threads_of(state, interpreter);
        }
        Kind::Send { channel } if fault != Fault::SendForgetsWaiters => channel,
        Kind::DropSender { channel } | Kind::Close { channel, .. } if fault != Fault::CloseForgetsWaiters => channel,
        Kind::Receive { channel } => channel,
        _ => return,
    };
    let Some(aside) = &mut state.aside else { return };
    for (thread, asleep) in state.threads.iter().zip(&mut aside.asleep) {
        let waits_there = match thread.agenda.last() {
            Some(Todo::WaitSend(Sending { channel, .. }) | Todo::Take(Receiving { channel, .. })) => {
                usize::from(*channel) == changed
            }
            _ => false,
        };
        if waits_there {
            *asleep = false;
        }
    }
}

/// The owner takes back what is on its release list.
fn collect_returned(state: &mut State, interpreter: usize) {
    let Some(aside) = &mut state.aside else { return };
    for buffer in std::mem::take(&mut aside.returned[interpreter]) {
        let there = &mut state.buffers[usize::from(buffer)];
        there.exports = there.exports.saturating_sub(1);
        there.references = there.references.saturating_sub(1);
        if there.references == 0 {
            there.life = super::state::Life::Freed;
        }
    }
}

/// Inserts what `then` says behind each part of a plan.
fn repeat(plan: &mut Plan, then: impl Fn(Todo) -> Option<Todo>) {
    *plan = plan.iter().flat_map(|&todo| [Some(todo), then(todo)]).flatten().collect();
}
