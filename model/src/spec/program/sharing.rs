//! Where the strategies differ: what pins a message, what makes a view of it, and what gives it back.

use super::{Moment, Plan};
use crate::scenario::{Strategy, Undelivered};
use crate::spec::Rules;
use crate::spec::action::{Cause, Side};
use crate::spec::operation::Operation;
use crate::spec::state::{Content, State, ViewState};
use crate::spec::thread::{Claim, Receiving, Sending, StepResult, Todo, Value, Window};

impl Rules {
    /// Whether a message has its export from its sender, so that it is a view as soon as it is received.
    fn exports_at_send(&self) -> bool {
        match self.strategy {
            Strategy::Shared | Strategy::Proxy | Strategy::View => false,
            Strategy::Handover | Strategy::Deferred | Strategy::Epoch => true,
        }
    }

    /// Before a buffer is sent, attached to its owner.
    pub(super) fn pin(&self, state: &mut State, thread: usize, buffer: u8, sending: Sending) -> Plan {
        let pin = self.exports_at_send().then_some(Todo::Pin { buffer, from: sending.what });
        let pin = self.amend(state, thread, Moment::Pinning, pin.into_iter().collect());
        self.lending(buffer).into_iter().chain(pin).collect()
    }

    /// After a message was taken: a buffer becomes a view, unless its policy asks for a look at its owner first; an end is
    /// there at once.
    pub(in crate::spec) fn unpack(&self, state: &mut State, thread: usize, receiving: Receiving, content: Content) {
        let me = &mut state.threads[thread];
        match content {
            Content::Buffer { buffer, version, undelivered: Undelivered::Deliver } => {
                self.deliver(state, thread, buffer, version, receiving);
            }
            Content::Buffer { buffer, version, undelivered } => {
                me.hands.push(Claim::Message { buffer, version });
                let inspect = vec![Todo::Inspect { buffer, undelivered, receiving }];
                let plan = self.amend(state, thread, Moment::Inspecting { buffer, version, receiving }, inspect);
                state.threads[thread].first(plan);
            }
            Content::SendEnd(channel, undelivered) => {
                me.assign(receiving.into, Value::SendEnd(channel, undelivered));
                me.results.push(StepResult::SendEnd(channel));
            }
            Content::ReceiveEnd(channel) => {
                me.assign(receiving.into, Value::ReceiveEnd(channel));
                me.results.push(StepResult::ReceiveEnd(channel));
                me.first(vec![Todo::Moor { channel, inside: None }]);
            }
        }
    }

    /// A received buffer becomes a view: this is the result.
    pub(in crate::spec) fn deliver(
        &self,
        state: &mut State,
        thread: usize,
        buffer: u8,
        version: u16,
        receiving: Receiving,
    ) {
        state.threads[thread].results.push(StepResult::Bytes { buffer, version });
        self.open(state, thread, buffer, version, receiving.window());
    }

    /// A message becomes a view: at once if it has its export, else under its owner's lock (G1).
    fn open(&self, state: &mut State, thread: usize, buffer: u8, version: u16, window: Window) {
        let me = &mut state.threads[thread];
        if self.exports_at_send() {
            me.assign(window.into, Value::View(window.view));
            *state.view(window.view) = Some(ViewState::new(buffer, version, window.is_copy));
            let plan = self.amend(state, thread, Moment::Creating { buffer }, vec![]);
            state.threads[thread].first(plan);
            return;
        }
        me.hands.push(Claim::Message { buffer, version });
        let plan = match self.strategy {
            Strategy::Proxy => self.open_by_proxy(state, thread, buffer, window),
            _ => self.open_at_owner(state, thread, buffer, window),
        };
        let plan = self.amend(state, thread, Moment::Creating { buffer }, plan);
        state.threads[thread].first(plan);
    }

    pub(super) fn open_at_owner(&self, state: &State, thread: usize, buffer: u8, window: Window) -> Plan {
        let export = vec![Todo::Export { buffer, window }];
        self.at(state.current(thread), self.owner(buffer), Cause::ViewCreation, export)
    }

    /// Clone and slice: no lock, only the view's own count. Where clones are not counted together, the owner makes a
    /// view of its own (G1).
    pub(super) fn clone_view(&self, state: &mut State, thread: usize, view: u8, window: Window, operation: Operation) {
        let Some(there) = *state.view(view) else { return };
        let plan = match self.strategy {
            Strategy::Shared => self.share_again(state, thread, there, window),
            _ => vec![Todo::CloneView { view, into: window.into }],
        };
        let plan = self.amend(state, thread, Moment::Cloning { view }, plan);
        state.threads[thread].start(operation, plan);
    }

    fn share_again(&self, state: &State, thread: usize, view: ViewState, window: Window) -> Plan {
        let ViewState { buffer, version, .. } = view;
        let counts = vec![Todo::ReferenceView { buffer, version }, Todo::Export { buffer, window }];
        self.at(state.current(thread), self.owner(buffer), Cause::ViewCreation, counts)
    }

    /// After the last clone of a view was dropped: give back what it has, under the owner's lock (G1), or put it on the
    /// owner's return list.
    pub(in crate::spec) fn release(&self, state: &mut State, thread: usize, view: ViewState) {
        let buffer = view.buffer;
        let absorbed = usize::from(view.references.saturating_sub(view.exports));
        let me = &mut state.threads[thread];
        me.operation = if view.is_copy { Operation::Release } else { Operation::LastRelease };
        me.hands.extend(std::iter::repeat_n(Claim::Reference(buffer), absorbed));
        me.hands.extend(std::iter::repeat_n(Claim::View(buffer), view.exports.into()));
        let plan = if self.has_return_lists() {
            self.giving_back(buffer)
        } else {
            let pairs = (0..view.exports).flat_map(|_| [Todo::Unexport(buffer), Todo::Dereference(buffer)]);
            let counts = pairs.chain(std::iter::repeat_n(Todo::Dereference(buffer), absorbed)).collect();
            self.at(state.current(thread), self.owner(buffer), Cause::ViewRelease, counts)
        };
        let plan = self.amend(state, thread, Moment::LastRelease { buffer }, plan);
        state.threads[thread].first(plan);
    }

    /// After a receive end was closed: discard what was queued, oldest first, an end inside it before the next one.
    pub(in crate::spec) fn discard(&self, state: &mut State, thread: usize, contents: Vec<Content>) {
        let mut plan = Plan::new();
        for content in contents {
            let claim = match content {
                Content::Buffer { buffer, version, .. } => Claim::Message { buffer, version },
                Content::SendEnd(channel, _) => Claim::SendEnd(channel),
                Content::ReceiveEnd(channel) => Claim::ReceiveEnd(channel),
            };
            state.threads[thread].hands.push(claim);
            plan.extend(self.discarding(state, thread, content));
        }
        let me = &mut state.threads[thread];
        if !plan.is_empty() {
            me.operation = Operation::Discard;
        }
        me.first(plan);
    }

    /// How one message is discarded by the thread that has it in its hands.
    pub(in crate::spec) fn discarding(&self, state: &mut State, thread: usize, content: Content) -> Plan {
        let plan = match content {
            Content::Buffer { buffer, .. } => self.discard_buffer(state, thread, buffer),
            Content::SendEnd(channel, _) => vec![Todo::DropSender(channel)],
            Content::ReceiveEnd(channel) => vec![Todo::Close(channel, Side::Receive)],
        };
        self.amend(state, thread, Moment::Discarding { content }, plan)
    }

    fn discard_buffer(&self, state: &State, thread: usize, buffer: u8) -> Plan {
        if self.has_return_lists() {
            return self.giving_back(buffer);
        }
        let unexport = self.exports_at_send().then_some(Todo::Unexport(buffer));
        let counts = unexport.into_iter().chain([Todo::Dereference(buffer)]).collect();
        self.at(state.current(thread), self.owner(buffer), Cause::ViewRelease, counts)
    }
}
