//! The protocol: which atomic actions each step of a thread consists of.
//!
//! A step expands to a *plan*, a list of pending actions; doing one may put a further plan before the rest. Each plan
//! passes [`Rules::amend`], where a broken protocol differs from this one. Nothing in here knows what is lawful.

use super::action::{Cause, Side, Why};
use super::broken::Moment;
use super::code::Instruction;
use super::state::{Content, State};
use super::thread::{Block, Claim, Operation, Receiving, Sending, StepResult, ThreadState, Todo, Value};
use super::{Fault, Rules};

/// What a thread does in order.
pub(super) type Plan = Vec<Todo>;

impl Rules {
    /// Lets a thread think until it wants something: ends the operation that is done and expands further steps.
    /// Afterwards its agenda is empty only if it has finished.
    pub(super) fn settle(&self, state: &mut State, thread: usize) {
        while state.threads[thread].agenda.is_empty() {
            self.conclude(state, thread);
            let me = &mut state.threads[thread];
            let Some(&instruction) = self.code[thread].get(usize::from(me.position)) else { return };
            me.position += 1;
            self.expand(state, thread, instruction);
        }
    }

    /// Ends an operation: what it still has in its hands is lost. The protocol leaves nothing there.
    fn conclude(&self, state: &mut State, thread: usize) {
        state.threads[thread].hands.clear();
        state.threads[thread].operation = Operation::Idle;
        if let Some(aside) = &mut state.aside {
            aside.unlatch(thread);
        }
    }

    fn expand(&self, state: &mut State, thread: usize, instruction: Instruction) {
        match instruction {
            Instruction::Begin(target) => self.begin(state, thread, target),
            Instruction::End { panicked } => self.end(state, thread, panicked),
            Instruction::Safepoint => self.safepoint(state, thread),
            Instruction::Send { end, what, patience } => {
                if let Value::SendEnd(channel) = state.threads[thread].variable(end)
                    && end != what
                {
                    self.send(state, thread, Sending { channel, what, patience });
                }
            }
            Instruction::Receive { end, into, view, patience } => {
                if let Value::ReceiveEnd(channel) = state.threads[thread].variable(end)
                    && state.threads[thread].is_empty(into)
                {
                    self.receive(state, thread, Receiving { channel, into, view, patience });
                }
            }
            Instruction::Copy { what, into } => self.copy(state, thread, what, into),
            Instruction::Clone { view, into, operation } => self.clone_view(state, thread, view, into, operation),
            Instruction::Read(what) => {
                if matches!(state.threads[thread].variable(what), Value::Handle(_) | Value::View(_)) {
                    state.threads[thread].start(Operation::Read, vec![Todo::Read(what)]);
                }
            }
            Instruction::Release(view) => {
                if let Value::View(_) = state.threads[thread].variable(view) {
                    self.drop_value(state, thread, view);
                }
            }
            Instruction::Drop { unwinding: true, what } if self.has(Fault::PanicLeaks) => {
                state.threads[thread].assign(what, Value::Empty);
            }
            Instruction::Drop { what, .. } => self.drop_value(state, thread, what),
            Instruction::Thaw(handle) => self.thaw(state, thread, handle),
            Instruction::Close(end) => {
                if matches!(state.threads[thread].variable(end), Value::SendEnd(_) | Value::ReceiveEnd(_)) {
                    self.close(state, thread, end);
                }
            }
        }
    }

    /// `attach` and `detach`: leave where you are, enter the target.
    fn begin(&self, state: &mut State, thread: usize, target: Option<u8>) {
        let current = state.current(thread);
        let me = &mut state.threads[thread];
        if current == target {
            me.blocks.push(Block::Same);
            return;
        }
        me.blocks.push(Block::Left(current));
        me.home = target;
        let operation = if target.is_some() { Operation::Attach } else { Operation::Detach };
        let enter = target.map(|interpreter| Todo::Enter(interpreter, Cause::Attach));
        me.start(operation, current.map(Todo::Leave).into_iter().chain(enter).collect());
    }

    /// `end`, or `panic`: leave where the block is, go back to where the thread was before.
    fn end(&self, state: &mut State, thread: usize, panicked: bool) {
        let current = state.current(thread);
        let me = &mut state.threads[thread];
        if panicked {
            me.results.push(StepResult::Panicked);
        }
        if let Some(Block::Left(before)) = me.blocks.pop() {
            me.home = before;
            let operation = if current.is_some() { Operation::Attach } else { Operation::Detach };
            let back = before.map(|interpreter| Todo::Enter(interpreter, Cause::Return));
            me.start(operation, current.map(Todo::Leave).into_iter().chain(back).collect());
        }
    }

    fn safepoint(&self, state: &mut State, thread: usize) {
        if let Some(interpreter) = state.current(thread) {
            state.threads[thread].start(Operation::Safepoint, vec![Todo::Safepoint(interpreter)]);
        }
    }

    fn copy(&self, state: &mut State, thread: usize, what: u8, into: u8) {
        let current = state.current(thread);
        let me = &mut state.threads[thread];
        if !me.is_empty(into) {
            return;
        }
        match me.variable(what) {
            Value::Handle(buffer) if current == Some(self.owner(buffer)) => {
                me.start(Operation::Copy, vec![Todo::Reference { buffer, into }]);
            }
            Value::SendEnd(channel) => me.start(Operation::Copy, vec![Todo::CloneSender { channel, into }]),
            Value::Handle(_) | Value::View(_) | Value::ReceiveEnd(_) | Value::Empty => {}
        }
    }

    /// Clone and slice: no lock, only the view's own count.
    fn clone_view(&self, state: &mut State, thread: usize, from: u8, into: u8, operation: Operation) {
        if let Value::View(view) = state.threads[thread].variable(from)
            && state.threads[thread].is_empty(into)
        {
            let plan = self.amend(state, thread, Moment::Cloning { view }, vec![Todo::CloneView { view, into }]);
            state.threads[thread].start(operation, plan);
        }
    }

    fn send(&self, state: &mut State, thread: usize, sending: Sending) {
        let current = state.current(thread);
        let me = &mut state.threads[thread];
        match me.variable(sending.what) {
            Value::Handle(buffer) if current != Some(self.owner(buffer)) => me.results.push(StepResult::NotOwner),
            Value::Handle(_) | Value::SendEnd(_) => me.start(Operation::Send, vec![Todo::TrySend(sending)]),
            Value::ReceiveEnd(moving) => self.send_receive_end(state, thread, sending, moving),
            Value::View(_) | Value::Empty => {}
        }
    }

    /// Moors the end where it will be, *then* walks up from there: of two threads that send two ends into each other,
    /// the second to moor sees the first (G9). An end never travels through its own channel.
    fn send_receive_end(&self, state: &mut State, thread: usize, sending: Sending, moving: u8) {
        let plan = if moving == sending.channel {
            vec![]
        } else {
            let moor = Todo::Moor { channel: moving, inside: Some(sending.channel) };
            vec![moor, first_probe(sending, moving)]
        };
        let plan = self.amend(state, thread, Moment::Mooring { sending }, plan);
        let me = &mut state.threads[thread];
        if plan.is_empty() {
            me.results.push(StepResult::Unreachable);
        } else {
            me.start(Operation::Send, plan);
        }
    }

    /// After a step of the walk that found the receive end of the last channel in `seen` inside `inside`. A channel that
    /// was seen before closes a circle: this send's, or for a moment one of two other sends, which are not done yet.
    pub(super) fn walk_on(&self, state: &mut State, thread: usize, sending: Sending, seen: u64, inside: Option<u8>) {
        let Value::ReceiveEnd(moving) = state.threads[thread].variable(sending.what) else { return };
        let plan = match inside {
            None => self.amend(state, thread, Moment::Reachable { sending, moving }, vec![Todo::TrySend(sending)]),
            Some(node) if self.closes_circle(seen & bit(node) != 0, node == moving) => {
                state.threads[thread].results.push(StepResult::Unreachable);
                vec![Todo::Moor { channel: moving, inside: None }]
            }
            Some(node) => vec![Todo::Probe { node, seen: seen | bit(node), sending }],
        };
        state.threads[thread].first(plan);
    }

    /// After a send that found no space: wait, attached to nobody.
    pub(super) fn wait_for_space(&self, state: &mut State, thread: usize, sending: Sending) {
        let plan = away(state.current(thread), vec![Todo::WaitSend(sending)]);
        let plan = self.amend(state, thread, Moment::Waiting, plan);
        state.threads[thread].first(plan);
    }

    /// After a send that was finally refused: the thread keeps what it wanted to send.
    pub(super) fn keep(&self, state: &mut State, thread: usize, sending: Sending, why: Why) {
        let me = &mut state.threads[thread];
        me.results.push(StepResult::SendRefused(why));
        let plan = match me.variable(sending.what) {
            Value::ReceiveEnd(moving) => vec![Todo::Moor { channel: moving, inside: None }],
            Value::Handle(_) | Value::View(_) | Value::SendEnd(_) | Value::Empty => vec![],
        };
        let plan = self.amend(state, thread, Moment::Refused { sending }, plan);
        state.threads[thread].first(plan);
    }

    fn receive(&self, state: &mut State, thread: usize, receiving: Receiving) {
        let plan = away(state.current(thread), vec![Todo::Take(receiving)]);
        let plan = self.amend(state, thread, Moment::Receiving, plan);
        state.threads[thread].start(Operation::Receive, plan);
    }

    /// After a message was taken: a buffer becomes a view under its owner's lock (G1), an end is there at once.
    pub(super) fn unpack(&self, state: &mut State, thread: usize, receiving: Receiving, content: Content) {
        let Receiving { into, view, .. } = receiving;
        let me = &mut state.threads[thread];
        match content {
            Content::Buffer { buffer, version } => {
                me.hands.push(Claim::Message { buffer, version });
                me.results.push(StepResult::Bytes { buffer, version });
                let export = vec![Todo::Export { buffer, into, view }];
                let plan = visit(self.owner(buffer), Cause::ViewCreation, export);
                let plan = self.amend(state, thread, Moment::Creating, plan);
                state.threads[thread].first(plan);
            }
            Content::SendEnd(channel) => {
                me.assign(into, Value::SendEnd(channel));
                me.results.push(StepResult::SendEnd(channel));
            }
            Content::ReceiveEnd(channel) => {
                me.assign(into, Value::ReceiveEnd(channel));
                me.results.push(StepResult::ReceiveEnd(channel));
                me.first(vec![Todo::Moor { channel, inside: None }]);
            }
        }
    }

    /// `drop` of whatever it is.
    fn drop_value(&self, state: &mut State, thread: usize, variable: u8) {
        let current = state.current(thread);
        match state.threads[thread].variable(variable) {
            Value::Empty => {}
            Value::View(view) => {
                let plan = vec![Todo::DropView { view, from: variable }];
                let plan = self.amend(state, thread, Moment::Dropping { view }, plan);
                state.threads[thread].start(Operation::Release, plan);
            }
            Value::Handle(buffer) => {
                let plan = at_owner(current, self.owner(buffer), Cause::Attach, vec![Todo::Dereference(buffer)]);
                let me = &mut state.threads[thread];
                me.pick_up(variable, Claim::Handle(buffer));
                me.start(Operation::DropHandle, plan);
            }
            Value::SendEnd(channel) => {
                let me = &mut state.threads[thread];
                me.pick_up(variable, Claim::SendEnd(channel));
                me.start(Operation::DropEnd, vec![Todo::DropSender(channel)]);
            }
            Value::ReceiveEnd(_) => self.close(state, thread, variable),
        }
    }

    /// After the last clone of a view was dropped: give its export and its reference back, under the owner's lock (G1).
    pub(super) fn release(&self, state: &mut State, thread: usize, buffer: u8) {
        let current = state.current(thread);
        let owner = self.owner(buffer);
        let me = &mut state.threads[thread];
        me.operation = Operation::LastRelease;
        me.hands.push(Claim::View(buffer));
        let counts = vec![Todo::Unexport(buffer), Todo::Dereference(buffer)];
        let plan = at_owner(current, owner, Cause::ViewRelease, counts);
        let plan = self.amend(state, thread, Moment::LastRelease { buffer }, plan);
        state.threads[thread].first(plan);
    }

    /// `close` of either end, and `drop` of a receive end.
    fn close(&self, state: &mut State, thread: usize, variable: u8) {
        let me = &mut state.threads[thread];
        let (claim, todo) = match me.variable(variable) {
            Value::SendEnd(channel) => (Claim::SendEnd(channel), Todo::Close(channel, Side::Send)),
            Value::ReceiveEnd(channel) => (Claim::ReceiveEnd(channel), Todo::Close(channel, Side::Receive)),
            Value::Handle(_) | Value::View(_) | Value::Empty => return,
        };
        me.pick_up(variable, claim);
        me.start(Operation::Close, vec![todo]);
    }

    /// After a receive end was closed: discard what was queued, oldest first, an end inside it before the next one.
    pub(super) fn discard(&self, state: &mut State, thread: usize, contents: Vec<Content>) {
        let current = state.current(thread);
        let mut plan = Plan::new();
        for content in contents {
            let (claim, todos) = match content {
                Content::Buffer { buffer, version } => {
                    let counts = vec![Todo::Dereference(buffer)];
                    let todos = at_owner(current, self.owner(buffer), Cause::ViewRelease, counts);
                    (Claim::Message { buffer, version }, todos)
                }
                Content::SendEnd(channel) => (Claim::SendEnd(channel), vec![Todo::DropSender(channel)]),
                Content::ReceiveEnd(channel) => (Claim::ReceiveEnd(channel), vec![Todo::Close(channel, Side::Receive)]),
            };
            state.threads[thread].hands.push(claim);
            plan.extend(self.amend(state, thread, Moment::Discarding { content }, todos));
        }
        let me = &mut state.threads[thread];
        if !plan.is_empty() {
            me.operation = Operation::Discard;
        }
        me.first(plan);
    }

    fn thaw(&self, state: &mut State, thread: usize, handle: u8) {
        let current = state.current(thread);
        let me = &mut state.threads[thread];
        if let Value::Handle(buffer) = me.variable(handle)
            && current == Some(self.owner(buffer))
        {
            me.start(Operation::Thaw, vec![Todo::Thaw { buffer, handle }]);
        }
    }
}

impl ThreadState {
    fn start(&mut self, operation: Operation, plan: Plan) {
        self.operation = operation;
        self.first(plan);
    }

    /// Takes the content of a variable into the hands.
    fn pick_up(&mut self, variable: u8, claim: Claim) {
        self.assign(variable, Value::Empty);
        self.hands.push(claim);
    }
}

/// Leave, do the plan, go back; just the plan if attached to nobody.
pub(super) fn away(current: Option<u8>, plan: Plan) -> Plan {
    let back = current.map(|interpreter| Todo::Enter(interpreter, Cause::Return));
    current.map(Todo::Leave).into_iter().chain(plan).chain(back).collect()
}

/// Enter an interpreter, do the plan, leave it.
pub(super) fn visit(interpreter: u8, cause: Cause, plan: Plan) -> Plan {
    let enter = [Todo::Enter(interpreter, cause)];
    enter.into_iter().chain(plan).chain([Todo::Leave(interpreter)]).collect()
}

/// Do the plan under the owner's lock: as it is if the thread has it, else in a visit away from where the thread is.
fn at_owner(current: Option<u8>, owner: u8, cause: Cause, plan: Plan) -> Plan {
    if current == Some(owner) { plan } else { away(current, visit(owner, cause, plan)) }
}

/// The first step of the walk before the receive end of `moving` is sent.
pub(super) fn first_probe(sending: Sending, moving: u8) -> Todo {
    Todo::Probe { node: sending.channel, seen: bit(sending.channel) | bit(moving), sending }
}

fn bit(channel: u8) -> u64 {
    1 << channel
}
