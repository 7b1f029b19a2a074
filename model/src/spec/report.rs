//! What the outside world is told: outcomes, the words of a sequence diagram, the numbers of an event.

use super::Rules;
use super::action::{Action, Kind, Why};
use super::effect;
use super::slot::SlotAct;
use super::state::{Content, State};
use super::thread::{StepResult, ThreadState, Todo, Value};

/// The numbers in an event of the real code: the values right after the action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reported {
    /// The event has none.
    Nothing,
    /// References to the buffer.
    References(usize),
    /// Exports of the buffer.
    Exports(usize),
    /// Both counts of the buffer.
    Counts {
        /// References to it.
        references: usize,
        /// Exports of it.
        exports: usize,
    },
    /// Clones of the view.
    Clones(usize),
    /// Messages in the queue.
    Queued(usize),
    /// Send ends of the channel.
    Senders(usize),
    /// Messages that left the queue.
    Discarded(usize),
    /// Where the receive end of the channel is.
    Inside(Option<usize>),
    /// Whether the interpreter is ending.
    Ending(bool),
    /// Whether something is on the return list.
    Pending(bool),
    /// Whether the thread took the errand.
    Errand(bool),
    /// Buffers that were put on the return list, and whether the thread took the errand.
    Returned {
        /// How many.
        buffers: usize,
        /// Whether it took the errand.
        errand: bool,
    },
    /// Whether the thread keeps its errand.
    Kept(bool),
    /// Holders of the slot.
    Holders(usize),
    /// The buffer that was the slot's current value.
    Replaced(Option<usize>),
}

impl Rules {
    /// The results of all threads: `sender: sent | receiver: x0 x0`, with `-` for a thread without results.
    ///
    /// Only steps that can end differently have one. `send`: `sent`, `full`, `closed`, `timed-out`, `interrupted`,
    /// `not-owner`, `unreachable`. `recv`: `x0` (the buffer and how often it had been thawed), `c.tx`, `c.rx`, `empty`,
    /// `closed`, `timed-out`, `interrupted`, `owner-ended`. `publish`: `published`, `not-owner`. `peek`: `x0`, `nothing`.
    /// `read`: `x0`. `thaw`: `thawed`, `refused`. `end`: `ended`,
    /// `ended-before`. An `attach` block that ends in `panic`: `panicked`, after the results of its body. One that is not
    /// admitted: `gone`, and nothing of its body.
    pub fn outcome(&self, state: &State) -> String {
        let threads = self.scenario.threads.iter().zip(&state.threads);
        let threads: Vec<String> = threads.map(|(decl, thread)| self.outcome_of(&decl.name, thread)).collect();
        threads.join(" | ")
    }

    fn outcome_of(&self, name: &str, thread: &ThreadState) -> String {
        let results: Vec<String> = thread.results.iter().map(|&result| self.result(result)).collect();
        if results.is_empty() { format!("{name}: -") } else { format!("{name}: {}", results.join(" ")) }
    }

    fn result(&self, result: StepResult) -> String {
        let word = match result {
            StepResult::Bytes { buffer, version } => return format!("{}{version}", self.buffer_name(buffer)),
            StepResult::SendEnd(channel) => return format!("{}.tx", self.channel_name(channel)),
            StepResult::ReceiveEnd(channel) => return format!("{}.rx", self.channel_name(channel)),
            StepResult::Sent => "sent",
            StepResult::SendRefused(Why::NotReady) => "full",
            StepResult::ReceiveRefused(Why::NotReady) => "empty",
            StepResult::SendRefused(Why::Closed) | StepResult::ReceiveRefused(Why::Closed) => "closed",
            StepResult::SendRefused(Why::Interrupted) | StepResult::ReceiveRefused(Why::Interrupted) => "interrupted",
            StepResult::SendRefused(Why::TimedOut) | StepResult::ReceiveRefused(Why::TimedOut) => "timed-out",
            StepResult::NotOwner => "not-owner",
            StepResult::Unreachable => "unreachable",
            StepResult::Thawed => "thawed",
            StepResult::ThawRefused => "refused",
            StepResult::Panicked => "panicked",
            StepResult::Gone => "gone",
            StepResult::Ended => "ended",
            StepResult::EndedBefore => "ended-before",
            StepResult::OwnerEnded => "owner-ended",
            StepResult::Published => "published",
            StepResult::Nothing => "nothing",
            StepResult::ReleaseFailed => "release-failed",
        };
        word.to_owned()
    }

    /// Like [`Action::describe`], and names the message that is sent or received, "receives x from c",
    /// and the buffer that is collected.
    pub fn narrate(&self, state: &State, action: Action) -> String {
        let message = self.message_of(state, action).map(|content| match content {
            Content::Buffer { buffer, .. } => self.buffer_name(buffer).to_owned(),
            Content::SendEnd(channel, _) => format!("a send end of {}", self.channel_name(channel)),
            Content::ReceiveEnd(channel) => format!("the receive end of {}", self.channel_name(channel)),
        });
        match (action.kind, message) {
            (Kind::Send { channel }, Some(message)) => {
                format!("sends {message} into {}", self.scenario.channels[channel].name)
            }
            (Kind::Receive { channel }, Some(message)) => {
                format!("receives {message} from {}", self.scenario.channels[channel].name)
            }
            _ => self.narrate_collection(state, action).unwrap_or_else(|| action.describe(&self.scenario)),
        }
    }

    /// What a thread would do next, in words: "stays in A at a safepoint or leaves A".
    pub fn wants_in_words(&self, state: &State, thread: usize) -> String {
        let wanted: Vec<String> = self.wants(state, thread).iter().map(|&it| self.narrate(state, it)).collect();
        if wanted.is_empty() { "nothing".to_owned() } else { wanted.join(" or ") }
    }

    /// "takes x off the return list of A"
    fn narrate_collection(&self, state: &State, action: Action) -> Option<String> {
        let Kind::Collect { interpreter } = action.kind else { return None };
        let &buffer = state.returns.get(interpreter)?.buffers.last()?;
        let owner = self.scenario.interpreters.get(interpreter)?;
        Some(format!("takes {} off the return list of {owner}", self.buffer_name(buffer)))
    }

    /// The message that the thread would send or receive.
    fn message_of(&self, state: &State, action: Action) -> Option<Content> {
        match (action.kind, *state.threads.get(action.thread)?.agenda.last()?) {
            (Kind::Send { channel }, Todo::TrySend(sending) | Todo::WaitSend(sending))
                if usize::from(sending.channel) == channel =>
            {
                effect::content(state, action.thread, sending)
            }
            (Kind::Receive { channel }, Todo::TryTake(receiving) | Todo::Take(receiving))
                if usize::from(receiving.channel) == channel =>
            {
                let queue = &state.channels[channel].queue;
                queue.get(self.front(queue)).map(|message| message.content)
            }
            _ => None,
        }
    }

    /// The numbers that the real code reports with its event for an action that leads from `before` to `after`.
    pub fn reported(&self, before: &State, action: Action, after: &State) -> Reported {
        match action.kind {
            Kind::Reference { buffer } | Kind::Dereference { buffer } => Reported::References(after.references(buffer)),
            Kind::Export { buffer } | Kind::Unexport { buffer } => Reported::Exports(after.exports(buffer)),
            Kind::ThawRefused { buffer } => {
                Reported::Counts { references: after.references(buffer), exports: after.exports(buffer) }
            }
            Kind::CloneView { .. } | Kind::DropView { .. } | Kind::Seek { .. } | Kind::Join { .. } => {
                Reported::Clones(clones(before, action.thread, after))
            }
            Kind::Send { channel } | Kind::Receive { channel } => Reported::Queued(after.queued(channel)),
            Kind::CloneSender { channel } | Kind::DropSender { channel } => Reported::Senders(after.senders(channel)),
            Kind::Close { channel, .. } => {
                Reported::Discarded(before.queued(channel).saturating_sub(after.queued(channel)))
            }
            Kind::Moor { channel, .. } | Kind::Probe { channel } => Reported::Inside(after.moored(channel)),
            Kind::Inspect { interpreter } => Reported::Ending(after.is_ending(interpreter)),
            Kind::Attend { interpreter } => Reported::Pending(after.is_pending(interpreter)),
            Kind::Unattend { interpreter } => Reported::Errand(takes_errand(before, after, interpreter)),
            Kind::Return { interpreter, .. } => Reported::Returned {
                buffers: after.returned(interpreter).saturating_sub(before.returned(interpreter)),
                errand: takes_errand(before, after, interpreter),
            },
            Kind::LetGo { interpreter } => Reported::Kept(after.has_errand(interpreter)),
            Kind::Slot { slot, act: SlotAct::Join | SlotAct::Leave } => Reported::Holders(after.holders(slot)),
            Kind::Slot { slot, act: SlotAct::Publish { .. } } => Reported::Replaced(before.current_value(slot)),
            Kind::Enter { .. }
            | Kind::Leave { .. }
            | Kind::Ending { .. }
            | Kind::Ended { .. }
            | Kind::Stay { .. }
            | Kind::Free { .. }
            | Kind::Thaw { .. }
            | Kind::Freeze { .. }
            | Kind::Read { .. }
            | Kind::Look { .. }
            | Kind::Collect { .. }
            | Kind::SendRefused { .. }
            | Kind::ReceiveRefused { .. }
            | Kind::Slot { .. } => Reported::Nothing,
        }
    }

    pub(super) fn thread_name(&self, thread: usize) -> &str {
        &self.scenario.threads[thread].name
    }

    pub(super) fn buffer_name(&self, buffer: u8) -> &str {
        &self.scenario.buffers[usize::from(buffer)].name
    }

    fn channel_name(&self, channel: u8) -> &str {
        &self.scenario.channels[usize::from(channel)].name
    }
}

fn takes_errand(before: &State, after: &State, interpreter: usize) -> bool {
    !before.has_errand(interpreter) && after.has_errand(interpreter)
}

/// The clones of the view that the next action of `thread` clones, drops, finds or joins; 0 if it finds none.
fn clones(before: &State, thread: usize, after: &State) -> usize {
    let todo = before.threads.get(thread).and_then(|me| me.agenda.last());
    let view = match todo {
        Some(&Todo::CloneView { view, .. } | &Todo::DropView { view, .. }) => Some(view),
        Some(&Todo::Seek { window, .. } | &Todo::Join { window, .. }) => {
            match after.threads[thread].variable(window.into) {
                Value::View(view) => Some(view),
                _ => None,
            }
        }
        _ => None,
    };
    let view = view.and_then(|view| after.views.get(usize::from(view)));
    view.and_then(Option::as_ref).map_or(0, |view| usize::from(view.clones))
}
