//! From the moves of one thread to its steps: each move takes what it can get, or is passed over.

use super::compile::World;
use super::sketch::{Move, Verb};
use crate::scenario::{
    Buffer, Channel, Holding, Interpreter, Located, Patience, Step, Thread, Undelivered, Variable, line,
};

/// The most lines of a thread, those that end blocks included.
const MOST_LINES: usize = 24;
/// Blocks within each other, the outermost not counted.
const MOST_BLOCKS: usize = 2;

/// What a variable may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Handle(Buffer),
    View,
    SendEnd(Channel),
    ReceiveEnd(Channel),
    Publisher,
    Subscriber,
    Reading,
    /// Whatever comes out of a channel: a view or an end.
    Received,
    Nothing,
}

/// A block that is not ended yet.
struct Open {
    /// Whom it attaches to.
    attached: Option<Interpreter>,
    steps: Vec<Located>,
}

/// The program of a thread, as far as it is written.
pub(super) struct Program<'w> {
    world: &'w mut World,
    thread: Thread,
    names: Vec<String>,
    known: Vec<Known>,
    /// How many variables are held from the start.
    held: usize,
    /// The outermost one is the thread itself.
    blocks: Vec<Open>,
    /// Lines without the ends of open blocks.
    lines: usize,
    /// The thread has panicked.
    is_over: bool,
    unwind: Option<Vec<Variable>>,
}

impl<'w> Program<'w> {
    /// A thread that holds this, under these names, and has done nothing.
    pub(super) fn new(
        world: &'w mut World,
        thread: Thread,
        home: Option<Interpreter>,
        holds: &[Holding],
        names: Vec<String>,
    ) -> Self {
        let known = holds.iter().map(|&holding| match holding {
            Holding::Handle(buffer) => Known::Handle(buffer),
            Holding::View(_) => Known::View,
            Holding::SendEnd(channel) => Known::SendEnd(channel),
            Holding::ReceiveEnd(channel) => Known::ReceiveEnd(channel),
            Holding::Publisher(_) => Known::Publisher,
            Holding::Subscriber(_) => Known::Subscriber,
        });
        Self {
            world,
            thread,
            held: names.len(),
            names,
            known: known.collect(),
            blocks: vec![Open { attached: home, steps: Vec::new() }],
            lines: 0,
            is_over: false,
            unwind: None,
        }
    }

    /// Does the move, if the thread can.
    pub(super) fn play(&mut self, next: Move) {
        let room = MOST_LINES - self.lines - (self.blocks.len() - 1);
        if self.is_over || room == 0 {
            return;
        }
        let Move { verb, first, second } = next;
        match verb {
            Verb::Attach if room > 1 => self.open(Some(first % self.world.interpreters.len())),
            Verb::Detach if room > 1 => self.open(None),
            Verb::Leave => self.leave(),
            Verb::Panic => self.panic(first, second),
            Verb::Attach | Verb::Detach => {}
            _ => {
                if let Some(step) = self.step(verb, first, second) {
                    self.push(step);
                }
            }
        }
    }

    /// Ends all blocks: the variables and the steps.
    pub(super) fn finish(mut self) -> (Vec<String>, Vec<Located>) {
        while self.blocks.len() > 1 {
            self.leave();
        }
        let Open { attached, mut steps } = self.blocks.pop().expect("the thread itself");
        let Some(interpreter) = attached else {
            if steps.is_empty() {
                // A thread has a step.
                let step = Step::Attach { interpreter: 0, body: Vec::new(), unwind: None };
                steps.push(located(step, &self.names, &self.world.interpreters));
            }
            return (self.names, steps);
        };
        let step = Step::Attach { interpreter, body: steps, unwind: self.unwind };
        let around = located(step, &self.names, &self.world.interpreters);
        (self.names, vec![around])
    }

    fn push(&mut self, step: Step) {
        let located = located(step, &self.names, &self.world.interpreters);
        self.innermost().steps.push(located);
        self.lines += 1;
    }

    fn innermost(&mut self) -> &mut Open {
        self.blocks.last_mut().expect("the thread itself")
    }

    fn attached(&self) -> Option<Interpreter> {
        self.blocks.last().and_then(|block| block.attached)
    }

    fn open(&mut self, attached: Option<Interpreter>) {
        if self.blocks.len() <= MOST_BLOCKS {
            self.blocks.push(Open { attached, steps: Vec::new() });
            self.lines += 1;
        }
    }

    fn leave(&mut self) {
        self.close_block(None);
    }

    /// Ends the innermost block, if it is not the thread itself.
    fn close_block(&mut self, unwind: Option<Vec<Variable>>) {
        if self.blocks.len() == 1 {
            return;
        }
        let Open { attached, steps: body } = self.blocks.pop().expect("there are two");
        let step = match attached {
            Some(interpreter) => Step::Attach { interpreter, body, unwind },
            None => Step::Detach { body },
        };
        self.push(step);
    }

    /// The innermost block ends by a panic, which drops one variable or none.
    fn panic(&mut self, first: usize, second: usize) {
        if self.attached().is_none() {
            return;
        }
        let dropped = self.choose(first, |known| known != Known::Nothing).filter(|_| second.is_multiple_of(2));
        dropped.into_iter().for_each(|variable| self.take(variable));
        self.lines += 1;
        let unwind = Some(dropped.into_iter().collect());
        if self.blocks.len() == 1 {
            (self.is_over, self.unwind) = (true, unwind);
        } else {
            self.close_block(unwind);
        }
    }

    /// A step that opens no block, if there is what it is about.
    fn step(&mut self, verb: Verb, first: usize, second: usize) -> Option<Step> {
        let is_view = |known| matches!(known, Known::View | Known::Received);
        match verb {
            Verb::TrySend => self.send(first, second, Patience::Never),
            Verb::Send => self.send(first, second, Patience::Forever),
            Verb::SendTimeout => self.send(first, second, Patience::Deadline),
            Verb::TryReceive => self.receive(first, Patience::Never),
            Verb::Receive => self.receive(first, Patience::Forever),
            Verb::ReceiveTimeout => self.receive(first, Patience::Deadline),
            Verb::Copy => self.copy(first),
            Verb::Clone => {
                let view = self.choose(first, is_view)?;
                Some(Step::Clone { view, into: self.introduce(Known::View) })
            }
            Verb::Slice => {
                let view = self.choose(first, is_view)?;
                Some(Step::Slice { view, into: self.introduce(Known::View) })
            }
            Verb::Read => {
                let is_readable = |known| is_view(known) || matches!(known, Known::Handle(_) | Known::Reading);
                Some(Step::Read { what: self.choose(first, is_readable)? })
            }
            Verb::Release => {
                let view = self.choose(first, |known| is_view(known) || known == Known::Reading)?;
                self.take(view);
                Some(Step::Release { view })
            }
            Verb::Drop => {
                let what = self.choose(first, |known| known != Known::Nothing)?;
                self.take(what);
                Some(Step::Drop { what })
            }
            Verb::Thaw => self.thaw(first),
            Verb::Close => {
                let end = self.choose(first, |known| self.is_send_end(known) || self.is_receive_end(known))?;
                self.take(end);
                Some(Step::Close { end })
            }
            Verb::Undelivered => {
                let end = self.choose(first, |known| self.is_send_end(known))?;
                Some(Step::Undelivered { end, policy: Undelivered::ALL[second % Undelivered::ALL.len()] })
            }
            Verb::Publish => self.publish(first, second),
            Verb::Peek => {
                let subscriber = self.choose(first, |known| known == Known::Subscriber)?;
                Some(Step::Peek { subscriber, into: self.introduce(Known::Reading) })
            }
            Verb::End => Some(Step::End { interpreter: first % self.world.interpreters.len() }),
            Verb::Safepoint => self.attached().map(|_| Step::Safepoint),
            Verb::Attach | Verb::Detach | Verb::Leave | Verb::Panic => None,
        }
    }

    fn send(&mut self, first: usize, second: usize, patience: Patience) -> Option<Step> {
        self.attached()?;
        let end = self.choose(first, |known| self.is_send_end(known))?;
        let travels = |channel: Channel| self.world.routes[channel].travels;
        let is_sendable = |variable: Variable| match self.known[variable] {
            Known::Handle(_) => true,
            Known::SendEnd(channel) | Known::ReceiveEnd(channel) => travels(channel),
            Known::Received => self.may_be_end(Known::Received),
            _ => false,
        };
        let sendable = (0..self.known.len()).filter(|&what| what != end && is_sendable(what)).collect();
        let what = pick(sendable, second)?;
        let patience = match (patience, self.known[end]) {
            (Patience::Forever, Known::SendEnd(channel)) if self.world.may_wait_to_send(channel, self.thread) => {
                // It is gone, unless the channel is closed.
                self.take(what);
                Patience::Forever
            }
            (Patience::Deadline, _) if self.may_have_deadline(end) => Patience::Deadline,
            _ => Patience::Never,
        };
        Some(Step::Send { end, what, patience })
    }

    fn receive(&mut self, first: usize, patience: Patience) -> Option<Step> {
        let end = self.choose(first, |known| self.is_receive_end(known))?;
        let patience = match (patience, self.known[end]) {
            (Patience::Forever, Known::ReceiveEnd(channel)) if self.world.may_wait_to_receive(channel, self.thread) => {
                Patience::Forever
            }
            (Patience::Deadline, _) if self.may_have_deadline(end) => Patience::Deadline,
            _ => Patience::Never,
        };
        Some(Step::Receive { end, into: self.introduce(Known::Received), patience })
    }

    /// Takes one of the deadlines, if there is one left and the end is held from the start.
    fn may_have_deadline(&mut self, end: Variable) -> bool {
        let may = self.world.deadlines > 0 && end < self.held;
        self.world.deadlines -= usize::from(may);
        may
    }

    fn copy(&mut self, first: usize) -> Option<Step> {
        let what = self.choose(first, |known| match known {
            Known::Handle(buffer) => self.is_at_owner(buffer),
            _ => matches!(known, Known::SendEnd(_) | Known::Subscriber),
        })?;
        Some(Step::Copy { what, into: self.introduce(self.known[what]) })
    }

    fn thaw(&mut self, first: usize) -> Option<Step> {
        let may_thaw = |buffer: Buffer| self.is_at_owner(buffer) && self.world.thaws[buffer] > 0;
        let handle = self.choose(first, |known| matches!(known, Known::Handle(buffer) if may_thaw(buffer)))?;
        if let Known::Handle(buffer) = self.known[handle] {
            self.world.thaws[buffer] -= 1;
        }
        Some(Step::Thaw { handle })
    }

    fn publish(&mut self, first: usize, second: usize) -> Option<Step> {
        self.attached()?;
        let publisher = self.choose(first, |known| known == Known::Publisher)?;
        let what = self.choose(second, |known| matches!(known, Known::Handle(_)))?;
        Some(Step::Publish { publisher, what })
    }

    fn is_send_end(&self, known: Known) -> bool {
        matches!(known, Known::SendEnd(_)) || self.may_be_end(known)
    }

    fn is_receive_end(&self, known: Known) -> bool {
        matches!(known, Known::ReceiveEnd(_)) || self.may_be_end(known)
    }

    /// Whether it came out of a channel, and ends travel through channels.
    fn may_be_end(&self, known: Known) -> bool {
        known == Known::Received && self.world.routes.iter().any(|route| route.travels)
    }

    fn is_at_owner(&self, buffer: Buffer) -> bool {
        self.attached() == Some(self.world.owners[buffer])
    }

    /// One of the variables that may hold such a thing.
    fn choose(&self, number: usize, is_such: impl Fn(Known) -> bool) -> Option<Variable> {
        pick((0..self.known.len()).filter(|&variable| is_such(self.known[variable])).collect(), number)
    }

    fn take(&mut self, variable: Variable) {
        self.known[variable] = Known::Nothing;
    }

    fn introduce(&mut self, known: Known) -> Variable {
        self.names.push(format!("v{}", self.names.len()));
        self.known.push(known);
        self.names.len() - 1
    }
}

fn pick(candidates: Vec<Variable>, number: usize) -> Option<Variable> {
    (!candidates.is_empty()).then(|| candidates[number % candidates.len()])
}

fn located(step: Step, names: &[String], interpreters: &[String]) -> Located {
    let text = line(&step, names, interpreters);
    Located { step, text, line: 0 }
}
