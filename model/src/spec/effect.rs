//! What an action does to the state.

use super::action::{Cause, Kind, Side, Why};
use super::broken::Moment;
use super::state::{Content, Life, Message, State, ViewState};
use super::thread::{Claim, Patience, Receiving, Sending, StepResult, Todo, Value, small};
use super::{Fault, Rules};

impl Rules {
    /// Does the next action on a thread's agenda. `kind` is one of its intents and lawful.
    pub(super) fn perform(&self, state: &mut State, thread: usize, kind: Kind) {
        let Some(todo) = state.threads[thread].agenda.pop() else { return };
        match todo {
            Todo::Enter(interpreter, _) => {
                state.locks[usize::from(interpreter)] = Some(small(thread));
            }
            Todo::Leave(interpreter) => state.locks[usize::from(interpreter)] = None,
            Todo::Safepoint(interpreter) => {
                if let Kind::Leave { .. } = kind {
                    state.locks[usize::from(interpreter)] = None;
                    state.threads[thread].first(vec![Todo::Enter(interpreter, Cause::Safepoint)]);
                }
            }
            Todo::Reference { buffer, into } => {
                state.buffer(buffer).references += 1;
                state.threads[thread].assign(into, Value::Handle(buffer));
            }
            Todo::Dereference(buffer) => self.dereference(state, thread, buffer),
            Todo::Export { buffer, into, view } => export(state, thread, buffer, into, view),
            Todo::Unexport(buffer) => {
                let exports = &mut state.buffer(buffer).exports;
                *exports = exports.saturating_sub(1);
                let me = &mut state.threads[thread];
                if me.put_down(|claim| claim == Claim::View(buffer)).is_some() {
                    me.hands.push(Claim::Reference(buffer));
                }
            }
            Todo::Free(buffer) => state.buffer(buffer).life = Life::Freed,
            Todo::Thaw { buffer, handle } => thaw(state, thread, kind, buffer, handle),
            Todo::Freeze { buffer, handle } => freeze(state, thread, buffer, handle),
            Todo::CloneView { view, into } => {
                if let Some(there) = state.view(view) {
                    there.clones += 1;
                }
                state.threads[thread].assign(into, Value::View(view));
            }
            Todo::DropView { view, from } => self.drop_clone(state, thread, view, from),
            Todo::Read(what) => read(state, thread, what),
            Todo::TrySend(sending) => match kind {
                Kind::SendRefused { why: Why::NotReady, .. } if sending.patience != Patience::Never => {
                    self.wait_for_space(state, thread, sending);
                }
                _ => self.send_or_keep(state, thread, sending, kind),
            },
            Todo::WaitSend(sending) => self.send_or_keep(state, thread, sending, kind),
            Todo::Take(receiving) => self.take(state, thread, receiving, kind),
            Todo::CloneSender { channel, into } => {
                state.channel(channel).senders += 1;
                state.threads[thread].assign(into, Value::SendEnd(channel));
            }
            Todo::DropSender(channel) => drop_sender(state, thread, channel),
            Todo::Close(channel, Side::Send) => {
                drop_sender(state, thread, channel);
                state.channel(channel).send_closed = true;
            }
            Todo::Close(channel, Side::Receive) => self.close_receiver(state, thread, channel),
            Todo::Moor { channel, inside } => state.channel(channel).moored = inside,
            Todo::Probe { node, seen, sending } => {
                let inside = state.channel(node).moored;
                self.walk_on(state, thread, sending, seen, inside);
            }
        }
    }

    /// One reference less; the last one frees the bytes.
    fn dereference(&self, state: &mut State, thread: usize, buffer: u8) {
        let given_back = state.threads[thread].put_down(|claim| claim.reference() == Some(buffer));
        let references = &mut state.buffer(buffer).references;
        *references = references.saturating_sub(1);
        if self.frees(state, buffer, given_back) {
            state.threads[thread].first(vec![Todo::Free(buffer)]);
        }
    }

    fn drop_clone(&self, state: &mut State, thread: usize, view: u8, from: u8) {
        state.threads[thread].assign(from, Value::Empty);
        let Some(there) = state.view(view) else { return };
        there.clones = there.clones.saturating_sub(1);
        if there.clones == 0 {
            let buffer = there.buffer;
            *state.view(view) = None;
            self.release(state, thread, buffer);
        }
    }

    fn send_or_keep(&self, state: &mut State, thread: usize, sending: Sending, kind: Kind) {
        match kind {
            Kind::SendRefused { why, .. } => self.keep(state, thread, sending, why),
            _ => self.put(state, thread, sending),
        }
    }

    /// The message enters the queue: it takes over the reference of the handle, or is the end itself.
    fn put(&self, state: &mut State, thread: usize, sending: Sending) {
        let Some(content) = content(state, thread, sending.what) else { return };
        let channel = state.channel(sending.channel);
        channel.queue.push(Message { ticket: channel.sent, content });
        channel.sent += 1;
        let me = &mut state.threads[thread];
        me.assign(sending.what, Value::Empty);
        me.results.push(StepResult::Sent);
        let plan = self.amend(state, thread, Moment::Sent { content }, vec![]);
        state.threads[thread].first(plan);
    }

    fn take(&self, state: &mut State, thread: usize, receiving: Receiving, kind: Kind) {
        match kind {
            Kind::ReceiveRefused { why, .. } => state.threads[thread].results.push(StepResult::ReceiveRefused(why)),
            _ => self.pop(state, thread, receiving),
        }
    }

    fn pop(&self, state: &mut State, thread: usize, receiving: Receiving) {
        let channel = state.channel(receiving.channel);
        let front = self.front(&channel.queue);
        let Some(&message) = channel.queue.get(front) else { return };
        if !self.has(Fault::DuplicateDelivery) {
            channel.queue.remove(front);
        }
        channel.settled += 1;
        self.unpack(state, thread, receiving, message.content);
    }

    /// Nobody will receive what is queued: all of it passes to this thread.
    fn close_receiver(&self, state: &mut State, thread: usize, channel: u8) {
        state.threads[thread].put_down(|claim| claim == Claim::ReceiveEnd(channel));
        let there = state.channel(channel);
        there.receiver_gone = true;
        there.moored = None;
        there.settled = there.sent;
        let contents = there.queue.drain(..).map(|message| message.content).collect();
        self.discard(state, thread, contents);
    }
}

/// The view exists from here on: it takes over the reference of the message.
fn export(state: &mut State, thread: usize, buffer: u8, into: u8, view: u8) {
    let me = &mut state.threads[thread];
    let message = me.put_down(|claim| matches!(claim, Claim::Message { buffer: b, .. } if b == buffer));
    if let Some(Claim::Message { version, .. }) = message {
        me.assign(into, Value::View(view));
        state.buffer(buffer).exports += 1;
        *state.view(view) = Some(ViewState { buffer, clones: 1, version });
    }
}

/// The handle becomes writable bytes; nothing refers to the frozen buffer any more.
fn thaw(state: &mut State, thread: usize, kind: Kind, buffer: u8, handle: u8) {
    let me = &mut state.threads[thread];
    if let Kind::ThawRefused { .. } = kind {
        me.results.push(StepResult::ThawRefused);
        return;
    }
    me.assign(handle, Value::Empty);
    me.hands.push(Claim::Bytes(buffer));
    me.first(vec![Todo::Freeze { buffer, handle }]);
    let there = state.buffer(buffer);
    there.references = 0;
    there.life = Life::Thawed;
}

/// New bytes were written: a new version with one handle.
fn freeze(state: &mut State, thread: usize, buffer: u8, handle: u8) {
    let me = &mut state.threads[thread];
    if me.put_down(|claim| claim == Claim::Bytes(buffer)).is_some() {
        me.assign(handle, Value::Handle(buffer));
        me.results.push(StepResult::Thawed);
        let there = state.buffer(buffer);
        there.references = 1;
        there.version += 1;
        there.life = Life::Frozen;
    }
}

fn read(state: &mut State, thread: usize, what: u8) {
    let buffer = match state.threads[thread].variable(what) {
        Value::Handle(buffer) => Some(buffer),
        Value::View(view) => state.views[usize::from(view)].as_ref().map(|view| view.buffer),
        Value::SendEnd(_) | Value::ReceiveEnd(_) | Value::Empty => None,
    };
    if let Some(buffer) = buffer {
        let version = state.buffer(buffer).version;
        state.threads[thread].results.push(StepResult::Bytes { buffer, version });
    }
}

fn drop_sender(state: &mut State, thread: usize, channel: u8) {
    state.threads[thread].put_down(|claim| claim == Claim::SendEnd(channel));
    let senders = &mut state.channel(channel).senders;
    *senders = senders.saturating_sub(1);
}

/// What a variable would be as a message.
pub(super) fn content(state: &State, thread: usize, what: u8) -> Option<Content> {
    match state.threads[thread].variable(what) {
        Value::Handle(buffer) => Some(Content::Buffer { buffer, version: state.buffers[usize::from(buffer)].version }),
        Value::SendEnd(channel) => Some(Content::SendEnd(channel)),
        Value::ReceiveEnd(channel) => Some(Content::ReceiveEnd(channel)),
        Value::View(_) | Value::Empty => None,
    }
}
