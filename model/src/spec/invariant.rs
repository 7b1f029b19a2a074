//! The invariants: what the guarantees demand of every state, and of the state at the end. No fault changes this file.

use super::Rules;
use super::guarantee::{Guarantee, Violation};
use super::row::messages_are_exported;
use super::state::{ChannelState, Content, Life, ReturnList, State};
use super::thread::{Claim, StepResult, Todo, Value};

use Guarantee::{G2, G3, G4, G5, G6, G8, G9};

impl Rules {
    /// What must hold in every state.
    ///
    /// # Errors
    ///
    /// The first invariant that does not hold, in this order:
    ///
    /// - G4: a thread holds at most one interpreter's lock.
    /// - G8: no release has failed. To what is on a return list somebody attends, or has the errand to see to it; and
    ///   one thread has the errand exactly if the list says so. Who stays where something was lent attends, and nothing is
    ///   exported where nothing was lent.
    /// - G7: nobody is inside an interpreter that has ended; one that is ending has somebody inside who will complete it.
    /// - G5: the queue of a channel holds exactly the messages that were sent and neither received nor discarded, in
    ///   the order in which they were sent, and no more of them than fit.
    /// - G9: the channel's count of send ends is their number; it has one receive end, or knows that it has none; no
    ///   receive end is queued where only its own receiver could get it out.
    /// - G2: a message or a view of a buffer shows the version that was sent, and nobody can write to it.
    /// - G3: the clone count of a view is the number of its clones. The holders of a slot are counted, and what somebody
    ///   reads in it is there, or waits for the guard. Unless the owner's lock is held, so that the owner may be in the
    ///   middle of a change: references = owner handles + messages + views, exports = views (and messages,
    ///   where they are exported at send), and the buffer is freed exactly if there are none.
    pub fn check(&self, state: &State) -> Result<(), Violation> {
        self.check_locks(state)?;
        self.check_releases(state)?;
        for interpreter in 0..state.phases.len() {
            self.check_life(state, interpreter)?;
        }
        for interpreter in 0..state.returns.len() {
            self.check_returns(state, interpreter)?;
        }
        for buffer in 0..state.buffers.len() {
            self.check_lent(state, buffer)?;
        }
        for channel in 0..state.channels.len() {
            self.check_queue(state, channel)?;
        }
        for channel in 0..state.channels.len() {
            self.check_ends(state, channel)?;
            self.check_reachable(state, channel)?;
        }
        for buffer in 0..state.buffers.len() {
            self.check_bytes(state, buffer)?;
        }
        for view in 0..state.views.len() {
            self.check_clones(state, view)?;
        }
        for slot in 0..state.slots.len() {
            self.check_slot(state, slot)?;
        }
        for buffer in 0..state.buffers.len() {
            self.check_counts(state, buffer)?;
        }
        Ok(())
    }

    /// What must hold when all threads have finished.
    ///
    /// # Errors
    ///
    /// - G4: a lock is still held.
    /// - G8: a buffer is still on a return list, or somebody is still to see to it.
    /// - G5: a message was neither received nor discarded.
    /// - G9: an end still exists.
    /// - G3: a value is still in a slot, or a buffer has leaked.
    pub fn check_end(&self, state: &State) -> Result<(), Violation> {
        for (name, holder) in self.scenario.interpreters.iter().zip(&state.locks) {
            demand(holder.is_none(), G4, || format!("the lock of {name} is still held at the end"))?;
        }
        for (name, list) in self.scenario.interpreters.iter().zip(&state.returns) {
            let unused = ReturnList { lends: list.lends, ..ReturnList::default() };
            demand(*list == unused, G8, || format!("the return list of {name} is in use at the end"))?;
        }
        for (decl, channel) in self.scenario.channels.iter().zip(&state.channels) {
            let name = &decl.name;
            demand(channel.settled == channel.sent, G5, || format!("a message is still in {name} at the end"))?;
            let ends = channel.senders > 0 || !channel.receiver_gone;
            demand(!ends, G9, || format!("an end of {name} still exists at the end"))?;
        }
        for slot in 0..state.slots.len() {
            self.check_slot_at_end(state, slot)?;
        }
        for (decl, buffer) in self.scenario.buffers.iter().zip(&state.buffers) {
            let name = &decl.name;
            demand(buffer.life == Life::Freed, G3, || format!("{name} is not freed at the end"))?;
        }
        Ok(())
    }

    /// Everything that a state must hold up to: [`check`](Self::check), at the end [`check_end`](Self::check_end), and
    /// [`deadlock`](Self::deadlock).
    ///
    /// # Errors
    ///
    /// The first of them that fails.
    pub fn judge_state(&self, state: &State) -> Result<(), Violation> {
        self.check(state)?;
        if self.finished(state) {
            self.check_end(state)?;
        }
        self.deadlock(state).map_or(Ok(()), Err)
    }

    /// G6: whether the state is a deadlock: some thread has not finished, and none can do anything.
    pub fn deadlock(&self, state: &State) -> Option<Violation> {
        if self.finished(state) || self.can_move(state) {
            return None;
        }
        let stuck = (0..state.threads.len()).filter_map(|thread| {
            let wanted = *self.wants(state, thread).first()?;
            Some(format!("{} waits: {}", self.thread_name(thread), self.narrate(state, wanted)))
        });
        let stuck: Vec<String> = stuck.collect();
        Some(Violation::new(G6, format!("nobody can go on; {}", stuck.join("; "))))
    }

    fn check_locks(&self, state: &State) -> Result<(), Violation> {
        for (thread, decl) in self.scenario.threads.iter().enumerate() {
            let held = state.locks.iter().filter(|holder| holder.map(usize::from) == Some(thread)).count();
            demand(held <= 1, G4, || format!("{} holds {held} locks", decl.name))?;
        }
        Ok(())
    }

    fn check_releases(&self, state: &State) -> Result<(), Violation> {
        for (decl, thread) in self.scenario.threads.iter().zip(&state.threads) {
            let failed = thread.results.contains(&StepResult::ReleaseFailed);
            demand(!failed, G8, || format!("{} could not release a view", decl.name))?;
        }
        Ok(())
    }

    fn check_returns(&self, state: &State, interpreter: usize) -> Result<(), Violation> {
        let ReturnList { buffers, lends, attended, errand, outbox } = &state.returns[interpreter];
        let name = &self.scenario.interpreters[interpreter];
        demand(outbox.is_empty() || state.holder(interpreter).is_some(), G8, || {
            format!("{} buffers were left in the outbox of {name}", outbox.len())
        })?;
        demand(buffers.is_empty() || *attended || *errand, G8, || {
            format!("nobody will see to the {} buffers on the return list of {name}", buffers.len())
        })?;
        demand(!lends || *attended || !has_come_to_stay(state, interpreter), G8, || {
            format!("the thread in {name} does not attend to its return list")
        })?;
        let has_it = |errands: &[u8]| errands.iter().any(|&errand| usize::from(errand) == interpreter);
        let threads = state.threads.iter().filter(|thread| has_it(&thread.errands)).count();
        demand(threads == usize::from(*errand), G8, || {
            let is = if *errand { "is" } else { "is not" };
            format!("the errand for {name} {is} taken, but {threads} threads have it")
        })
    }

    fn check_lent(&self, state: &State, buffer: usize) -> Result<(), Violation> {
        let decl = &self.scenario.buffers[buffer];
        let lends = state.returns.get(decl.owner).is_none_or(|list| list.lends);
        demand(lends || state.buffers[buffer].exports == 0, G8, || {
            format!("{} is exported, but {} has lent nothing", decl.name, self.scenario.interpreters[decl.owner])
        })
    }

    fn check_queue(&self, state: &State, channel: usize) -> Result<(), Violation> {
        let ChannelState { queue, sent, settled, .. } = &state.channels[channel];
        let decl = &self.scenario.channels[channel];
        let tickets = queue.iter().map(|message| message.ticket);
        demand(tickets.clone().eq(*settled..*sent), G5, || {
            let held: Vec<String> = tickets.map(|ticket| ticket.to_string()).collect();
            let name = &decl.name;
            format!("{sent} messages were sent into {name} and {settled} settled, yet it holds [{}]", held.join(", "))
        })?;
        let fits = decl.capacity.is_none_or(|capacity| queue.len() <= capacity);
        demand(fits, G5, || format!("{} holds {} messages, more than fit", decl.name, queue.len()))
    }

    fn check_ends(&self, state: &State, channel: usize) -> Result<(), Violation> {
        let there = &state.channels[channel];
        let name = &self.scenario.channels[channel].name;
        let (senders, receivers) = count_ends(state, channel);
        demand(usize::from(there.senders) == senders, G9, || {
            format!("{name} counts {} send ends, but there are {senders}", there.senders)
        })?;
        let expected = usize::from(!there.receiver_gone);
        demand(receivers == expected, G9, || {
            format!("{name} believes in {expected} receive ends, but there are {receivers}")
        })
    }

    /// G9: follows a queued receive end to the channel in which it is queued, and so on.
    fn check_reachable(&self, state: &State, channel: usize) -> Result<(), Violation> {
        let mut node = channel;
        for _ in 0..state.channels.len() {
            let Some(host) = queued_in(state, node) else { return Ok(()) };
            demand(host != channel, G9, || {
                let name = &self.scenario.channels[channel].name;
                format!("the receive end of {name} is queued where only its own receiver could reach it")
            })?;
            node = host;
        }
        Ok(())
    }

    fn check_bytes(&self, state: &State, buffer: usize) -> Result<(), Violation> {
        let there = &state.buffers[buffer];
        let name = &self.scenario.buffers[buffer].name;
        let shared = there.life == Life::Thawed && state.tally(buffer).is_shared();
        demand(!shared, G2, || format!("{name} is writable while a message or a view shows it"))?;
        for version in versions_shown(state, buffer) {
            demand(version == there.version, G2, || {
                format!("{name} was sent as {name}{version}, but now has the bytes of {name}{}", there.version)
            })?;
        }
        Ok(())
    }

    fn check_clones(&self, state: &State, view: usize) -> Result<(), Violation> {
        let variables = state.threads.iter().flat_map(|thread| &thread.variables);
        let clones = variables.filter(|value| matches!(**value, Value::View(v) if usize::from(v) == view)).count();
        let counted = state.views[view].as_ref().map_or(0, |view| usize::from(view.clones));
        demand(clones == counted, G3, || format!("a view counts {counted} clones, but there are {clones}"))
    }

    fn check_counts(&self, state: &State, buffer: usize) -> Result<(), Violation> {
        let decl = &self.scenario.buffers[buffer];
        if state.holder(decl.owner).is_some() {
            return Ok(());
        }
        let (there, tally, name) = (&state.buffers[buffer], state.tally(buffer), &decl.name);
        demand(there.references == tally.references(), G3, || {
            format!(
                "{name} counts {} references, but there are {} handles + {} messages + {} views",
                there.references,
                tally.handles,
                tally.messages,
                tally.views + tally.unexported
            )
        })?;
        let exported = if messages_are_exported(self.strategy) { tally.messages } else { 0 };
        demand(there.exports == exported + tally.views, G3, || {
            let messages = if exported > 0 { format!("{exported} messages + ") } else { String::new() };
            format!("{name} counts {} exports, but there are {messages}{} views", there.exports, tally.views)
        })?;
        let freed = there.life == Life::Freed;
        demand(freed == (there.references == 0), G3, || {
            let is = if freed { "is" } else { "is not" };
            format!("{name} {is} freed, with {} references", there.references)
        })
    }
}

/// Whether a thread has come to stay in its interpreter, is not about to leave it, and is not on an errand.
fn has_come_to_stay(state: &State, interpreter: usize) -> bool {
    let Some(thread) = state.holder(interpreter).map(|thread| &state.threads[thread]) else { return false };
    let comes_or_goes = matches!(thread.agenda.last(), Some(Todo::Attend(_) | Todo::Leave(_)));
    thread.home.map(usize::from) == Some(interpreter) && thread.interrupted.is_none() && !comes_or_goes
}

/// The number of send ends and of receive ends of a channel, wherever they are.
fn count_ends(state: &State, channel: usize) -> (usize, usize) {
    let (mut senders, mut receivers) = (0, 0);
    let is_it = |index: u8| usize::from(index) == channel;
    for thread in &state.threads {
        for value in &thread.variables {
            senders += usize::from(matches!(*value, Value::SendEnd(c, _) if is_it(c)));
            receivers += usize::from(matches!(*value, Value::ReceiveEnd(c) if is_it(c)));
        }
        for claim in &thread.hands {
            senders += usize::from(matches!(*claim, Claim::SendEnd(c) if is_it(c)));
            receivers += usize::from(matches!(*claim, Claim::ReceiveEnd(c) if is_it(c)));
        }
    }
    for message in state.channels.iter().flat_map(|channel| &channel.queue) {
        senders += usize::from(matches!(message.content, Content::SendEnd(c, _) if is_it(c)));
        receivers += usize::from(matches!(message.content, Content::ReceiveEnd(c) if is_it(c)));
    }
    (senders, receivers)
}

/// The channel in whose queue the receive end of `channel` is.
pub(super) fn queued_in(state: &State, channel: usize) -> Option<usize> {
    let is_it = |content: Content| matches!(content, Content::ReceiveEnd(c) if usize::from(c) == channel);
    state.channels.iter().position(|host| host.queue.iter().any(|message| is_it(message.content)))
}

/// The versions of a buffer that messages and views show.
fn versions_shown(state: &State, buffer: usize) -> impl Iterator<Item = u16> {
    let is_it = move |index: u8| usize::from(index) == buffer;
    let queued =
        state.channels.iter().flat_map(|channel| &channel.queue).filter_map(move |message| match message.content {
            Content::Buffer { buffer, version, .. } if is_it(buffer) => Some(version),
            _ => None,
        });
    let taken = state.threads.iter().flat_map(|thread| &thread.hands).filter_map(|claim| claim.shows());
    let taken = taken.filter(move |&(shown, _)| is_it(shown)).map(|(_, version)| version);
    let views = state.views.iter().flatten().filter(move |view| is_it(view.buffer)).map(|view| view.version);
    let published = state.published().filter(move |shown| is_it(shown.buffer)).map(|shown| shown.version);
    queued.chain(taken).chain(views).chain(published)
}

fn demand(holds: bool, guarantee: Guarantee, why: impl FnOnce() -> String) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation::new(guarantee, why())) }
}
