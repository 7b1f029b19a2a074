//! What an action does to the state.

use super::action::{Cause, Kind, Side, Why};
use super::broken::Moment;
use super::state::{Content, Life, Message, State, ViewState};
use super::thread::{Claim, Patience, Receiving, Sending, StepResult, Todo, Value, Window, small};
use super::{Fault, Rules};

impl Rules {
    /// Does the next action on a thread's agenda. `kind` is one of its intents and lawful.
    pub(super) fn perform(&self, state: &mut State, thread: usize, kind: Kind) {
        let Some(todo) = state.threads[thread].agenda.pop() else { return };
        match todo {
            Todo::Enter(interpreter, _) => {
                state.locks[usize::from(interpreter)] = Some(small(thread));
            }
            Todo::Leave(interpreter) => {
                state.locks[usize::from(interpreter)] = None;
                self.after_leaving(state, thread);
            }
            Todo::Safepoint(interpreter) => {
                if let Kind::Leave { .. } = kind {
                    state.locks[usize::from(interpreter)] = None;
                    state.threads[thread].first(self.arrive(interpreter, Cause::Safepoint));
                    self.after_leaving(state, thread);
                }
            }
            Todo::Reference { buffer, into } => {
                state.buffer(buffer).references += 1;
                state.threads[thread].assign(into, Value::Handle(buffer));
            }
            Todo::Dereference(buffer) => self.dereference(state, thread, buffer),
            Todo::ReferenceView { buffer, version } => {
                state.buffer(buffer).references += 1;
                state.threads[thread].hands.push(Claim::Message { buffer, version });
            }
            Todo::Export { buffer, window } => export(state, thread, buffer, window),
            Todo::ExportFresh(buffer) => export_fresh(state, thread, buffer),
            Todo::Pin { buffer, from } => pin(state, thread, buffer, from),
            Todo::Unpin { buffer, into } => unpin(state, thread, buffer, into),
            Todo::Unexport(buffer) => unexport(state, thread, buffer),
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
            Todo::TryTake(receiving) => match kind {
                Kind::ReceiveRefused { why: Why::NotReady, .. } if receiving.patience != Patience::Never => {
                    self.wait_for_message(state, thread, receiving);
                }
                _ => self.take(state, thread, receiving, kind),
            },
            Todo::Take(receiving) => self.take(state, thread, receiving, kind),
            Todo::CloneSender { channel, undelivered, into } => {
                state.channel(channel).senders += 1;
                state.threads[thread].assign(into, Value::SendEnd(channel, undelivered));
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
            Todo::Ending(interpreter) => self.ending(state, thread, interpreter),
            Todo::Ended(interpreter) => self.ended(state, thread, interpreter),
            Todo::Inspect { buffer, undelivered, receiving } => {
                self.inspect(state, thread, buffer, undelivered, receiving);
            }
            Todo::Now(_) => {}
            Todo::Attend(interpreter) => self.attend(state, thread, interpreter),
            Todo::Unattend(interpreter) => self.unattend(state, thread, interpreter),
            Todo::Look(interpreter) => {
                if let Kind::Collect { .. } = kind {
                    self.collect_batch(state, thread, interpreter);
                }
            }
            Todo::Collect(interpreter) => self.collect_batch(state, thread, interpreter),
            Todo::More(interpreter, left) => {
                if let Kind::Collect { .. } = kind {
                    self.collect(state, thread, interpreter, left);
                }
            }
            Todo::Return(buffer) => self.put_on_list(state, thread, buffer),
            Todo::Empty(interpreter) => self.return_outbox(state, thread, interpreter),
            Todo::LetGo(interpreter) => self.let_go(state, thread, interpreter),
            Todo::Seek { buffer, window } => self.seek(state, thread, buffer, window),
            Todo::Join { buffer, window } => self.join(state, thread, buffer, window),
            Todo::Slot(todo) => self.perform_on_slot(state, thread, todo, kind),
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
            let gone = *there;
            *state.view(view) = None;
            self.release(state, thread, gone);
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
        let Some(content) = content(state, thread, sending) else { return };
        let channel = state.channel(sending.channel);
        channel.queue.push(Message { ticket: channel.sent, content });
        channel.sent += 1;
        let me = &mut state.threads[thread];
        me.assign(sending.what, Value::Empty);
        me.put_down(|claim| claim.message().is_some());
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
fn export(state: &mut State, thread: usize, buffer: u8, window: Window) {
    let me = &mut state.threads[thread];
    let message = me.put_down(|claim| claim.message() == Some(buffer));
    if let Some((_, version)) = message.and_then(Claim::shows) {
        me.assign(window.into, Value::View(window.view));
        state.buffer(buffer).exports += 1;
        *state.view(window.view) = Some(ViewState::new(buffer, version, window.is_copy));
    }
}

/// The same for a view that has yet to join its proxy.
fn export_fresh(state: &mut State, thread: usize, buffer: u8) {
    let me = &mut state.threads[thread];
    let message = me.put_down(|claim| claim.message() == Some(buffer));
    if let Some((_, version)) = message.and_then(Claim::shows) {
        me.hands.push(Claim::Fresh { buffer, version });
        state.buffer(buffer).exports += 1;
    }
}

/// The handle becomes a message, with an export.
fn pin(state: &mut State, thread: usize, buffer: u8, from: u8) {
    let there = state.buffer(buffer);
    there.exports += 1;
    let version = there.version;
    let me = &mut state.threads[thread];
    me.assign(from, Value::Empty);
    me.hands.push(Claim::Message { buffer, version });
}

/// The message becomes a handle again.
fn unpin(state: &mut State, thread: usize, buffer: u8, into: u8) {
    let exports = &mut state.buffer(buffer).exports;
    *exports = exports.saturating_sub(1);
    let me = &mut state.threads[thread];
    if me.put_down(|claim| claim.message() == Some(buffer)).is_some() {
        me.assign(into, Value::Handle(buffer));
    }
}

/// What had the export is a mere reference from here on: a view in release, or an exported message.
fn unexport(state: &mut State, thread: usize, buffer: u8) {
    let exports = &mut state.buffer(buffer).exports;
    *exports = exports.saturating_sub(1);
    let me = &mut state.threads[thread];
    let had = |claim: Claim| claim == Claim::View(buffer) || claim.message() == Some(buffer);
    if me.put_down(had).is_some() {
        me.hands.push(Claim::Reference(buffer));
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
        Value::Reading { value, .. } => Some(value.buffer),
        Value::SendEnd(..) | Value::ReceiveEnd(_) | Value::Publisher(_) | Value::Subscriber(_) | Value::Empty => None,
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

/// What a send would put into the channel: what a variable holds, or the message in hand that it has become.
pub(super) fn content(state: &State, thread: usize, sending: Sending) -> Option<Content> {
    let Sending { what, undelivered, .. } = sending;
    match state.threads[thread].variable(what) {
        Value::Handle(buffer) => {
            let version = state.buffers[usize::from(buffer)].version;
            Some(Content::Buffer { buffer, version, undelivered })
        }
        Value::SendEnd(channel, its_own) => Some(Content::SendEnd(channel, its_own)),
        Value::ReceiveEnd(channel) => Some(Content::ReceiveEnd(channel)),
        Value::View(_) | Value::Publisher(_) | Value::Subscriber(_) | Value::Reading { .. } => None,
        Value::Empty => state.threads[thread].hands.iter().find_map(|&claim| match claim {
            Claim::Message { buffer, version } => Some(Content::Buffer { buffer, version, undelivered }),
            _ => None,
        }),
    }
}
