//! What the outside world is told: outcomes, the words of a sequence diagram, the numbers of an event.

use super::Rules;
use super::action::{Action, Kind, Why};
use super::effect;
use super::state::{Content, State};
use super::thread::{StepResult, ThreadState, Todo};

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
}

impl Rules {
    /// The results of all threads: `sender: sent | receiver: x0 x0`, with `-` for a thread without results.
    ///
    /// Only steps that can end differently have one. `send`: `sent`, `full`, `closed`, `timed-out`, `not-owner`,
    /// `unreachable`. `recv`: `x0` (the buffer and how often it had been thawed), `c.tx`, `c.rx`, `empty`, `closed`,
    /// `timed-out`. `read`: `x0`. `thaw`: `thawed`, `refused`. An `attach` block that ends in `panic`: `panicked`,
    /// after the results of its body.
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
            StepResult::SendRefused(Why::TimedOut) | StepResult::ReceiveRefused(Why::TimedOut) => "timed-out",
            StepResult::NotOwner => "not-owner",
            StepResult::Unreachable => "unreachable",
            StepResult::Thawed => "thawed",
            StepResult::ThawRefused => "refused",
            StepResult::Panicked => "panicked",
            StepResult::ReleaseFailed => "release-failed",
        };
        word.to_owned()
    }

    /// Like [`Action::describe`], and names the message that is sent or received: "receives x from c".
    pub fn narrate(&self, state: &State, action: Action) -> String {
        let message = self.message_of(state, action).map(|content| match content {
            Content::Buffer { buffer, .. } => self.buffer_name(buffer).to_owned(),
            Content::SendEnd(channel) => format!("a send end of {}", self.channel_name(channel)),
            Content::ReceiveEnd(channel) => format!("the receive end of {}", self.channel_name(channel)),
        });
        match (action.kind, message) {
            (Kind::Send { channel }, Some(message)) => {
                format!("sends {message} into {}", self.scenario.channels[channel].name)
            }
            (Kind::Receive { channel }, Some(message)) => {
                format!("receives {message} from {}", self.scenario.channels[channel].name)
            }
            _ => action.describe(&self.scenario),
        }
    }

    /// The message that the thread would send or receive.
    fn message_of(&self, state: &State, action: Action) -> Option<Content> {
        match (action.kind, *state.threads.get(action.thread)?.agenda.last()?) {
            (Kind::Send { channel }, Todo::TrySend(sending) | Todo::WaitSend(sending))
                if usize::from(sending.channel) == channel =>
            {
                effect::content(state, action.thread, sending.what)
            }
            (Kind::Receive { channel }, Todo::Take(receiving)) if usize::from(receiving.channel) == channel => {
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
            Kind::CloneView { .. } | Kind::DropView { .. } => Reported::Clones(clones(before, action.thread, after)),
            Kind::Send { channel } | Kind::Receive { channel } => Reported::Queued(after.queued(channel)),
            Kind::CloneSender { channel } | Kind::DropSender { channel } => Reported::Senders(after.senders(channel)),
            Kind::Close { channel, .. } => {
                Reported::Discarded(before.queued(channel).saturating_sub(after.queued(channel)))
            }
            Kind::Moor { channel, .. } | Kind::Probe { channel } => Reported::Inside(after.moored(channel)),
            Kind::Enter { .. }
            | Kind::Leave { .. }
            | Kind::Stay { .. }
            | Kind::Free { .. }
            | Kind::Thaw { .. }
            | Kind::Freeze { .. }
            | Kind::Read { .. }
            | Kind::SendRefused { .. }
            | Kind::ReceiveRefused { .. } => Reported::Nothing,
        }
    }

    pub(super) fn thread_name(&self, thread: usize) -> &str {
        &self.scenario.threads[thread].name
    }

    fn buffer_name(&self, buffer: u8) -> &str {
        &self.scenario.buffers[usize::from(buffer)].name
    }

    fn channel_name(&self, channel: u8) -> &str {
        &self.scenario.channels[usize::from(channel)].name
    }
}

/// The clones of the view that the next action of `thread` clones or drops.
fn clones(before: &State, thread: usize, after: &State) -> usize {
    let todo = before.threads.get(thread).and_then(|me| me.agenda.last());
    let Some(Todo::CloneView { view, .. } | Todo::DropView { view, .. }) = todo else { return 0 };
    let view = after.views.get(usize::from(*view));
    view.and_then(Option::as_ref).map_or(0, |view| usize::from(view.clones))
}
