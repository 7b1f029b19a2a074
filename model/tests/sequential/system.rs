//! The code, driven by hand: one thread that uses what the crate `viewchan` offers.

use crate::reference::{Act, BATCH, BUFFERS, CHANNELS, HOLDS, INTERPRETERS, Observation, aimed};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;
use viewchan::channel::{
    Options, Payload, RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError, Undelivered,
};
use viewchan::reference::{Attached, BufferMut, ThawError};
use viewchan::strategy::{self, Strategy as Sharing};
use viewchan::trace::{self, ChannelId, Event, ObjectId};
use viewchan::{Batches, Buffer, Interpreter, Message, ReceiveEnd, SendEnd, View};
use viewchan_model::scenario::{self, Holding, Patience, Step, Strategy, Variable};

/// The code with any strategy.
pub(crate) trait Behaviour {
    /// Does a step.
    fn act(&mut self, act: &Act);
    /// What can be seen.
    fn observe(&self) -> Observation;
    /// Drops everything. How many more buffers were frozen than freed or thawed.
    fn finish(self: Box<Self>) -> i64;
}

/// What is wrong with the driver, to see that it is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sabotage {
    /// Nothing.
    None,
    /// It says that a buffer was thawed, whatever came of it.
    ThawIgnoresRefusal,
    /// A view is leaked instead of released.
    ViewsAreLeaked,
    /// A channel holds a message more than it says.
    CapacityIsIgnored,
}

impl Sabotage {
    /// All of it.
    pub(crate) const ALL: [Self; 4] =
        [Self::None, Self::ThawIgnoresRefusal, Self::ViewsAreLeaked, Self::CapacityIsIgnored];
}

enum Value<S: Sharing<Interpreter>> {
    Handle(Buffer),
    View(View<Interpreter, S>),
    SendEnd(SendEnd<Interpreter, S>),
    ReceiveEnd(ReceiveEnd<Interpreter, S>),
}

/// What the events have told.
#[derive(Default)]
struct Told {
    /// References and exports of the buffers that there are.
    counts: BTreeMap<ObjectId, (usize, usize)>,
    queued: BTreeMap<ChannelId, usize>,
    /// Buffers frozen, minus those freed and thawed.
    frozen: i64,
}

impl Told {
    fn hear(&mut self, event: &Event) {
        match *event {
            Event::Frozen { object } => {
                self.counts.insert(object, (1, 0));
                self.frozen += 1;
            }
            Event::Freed { object } | Event::Thawed { object } => {
                self.counts.remove(&object);
                self.frozen -= 1;
            }
            Event::Referenced { object, references } | Event::Dereferenced { object, references } => {
                self.counts.entry(object).or_default().0 = references;
            }
            Event::Exported { object, exports } | Event::Unexported { object, exports } => {
                self.counts.entry(object).or_default().1 = exports;
            }
            Event::Sent { channel, queued } | Event::Received { channel, queued } => {
                self.queued.insert(channel, queued);
            }
            Event::Closed { channel, discarded, .. } => {
                *self.queued.entry(channel).or_default() -= discarded;
            }
            _ => {}
        }
    }
}

/// The code with one strategy.
pub(crate) struct System<S: Sharing<Interpreter>> {
    interpreters: Vec<Interpreter>,
    /// The present object of each buffer.
    objects: Vec<ObjectId>,
    channels: Vec<ChannelId>,
    held: Vec<Option<Value<S>>>,
    results: Vec<String>,
    told: Rc<RefCell<Told>>,
    sabotage: Sabotage,
}

/// The code with this strategy.
pub(crate) fn under(strategy: Strategy, sabotage: Sabotage) -> Box<dyn Behaviour> {
    match strategy {
        Strategy::Shared => Box::new(System::<strategy::Shared>::start(sabotage)),
        Strategy::Proxy => Box::new(System::<strategy::Proxy>::start(sabotage)),
        Strategy::View => Box::new(System::<strategy::View>::start(sabotage)),
        Strategy::Handover => Box::new(System::<strategy::Handover>::start(sabotage)),
        Strategy::Deferred => Box::new(System::<strategy::Deferred>::start(sabotage)),
        Strategy::Epoch => unreachable!("it has no channels"),
    }
}

impl<S: Sharing<Interpreter>> System<S> {
    fn start(sabotage: Sabotage) -> Self {
        let told = Rc::new(RefCell::new(Told::default()));
        let hears = Rc::clone(&told);
        trace::set_recorder(Some(Box::new(move |event| hears.borrow_mut().hear(event))));
        let interpreters: Vec<Interpreter> = INTERPRETERS
            .iter()
            .map(|_| Interpreter::with_batches(Batches { collected: BATCH, released: BATCH, kept: BATCH }))
            .collect();
        let freeze = |(buffer, &(_, owner)): (usize, &(&str, usize))| {
            Some(interpreters[owner].attach(|stay| BufferMut::from(bytes(buffer, 0)).freeze(stay)))
        };
        let mut buffers: Vec<Option<Buffer>> = BUFFERS.iter().enumerate().map(freeze).collect();
        let objects = buffers.iter().flatten().map(Buffer::object_id).collect();
        let open = |&(_, capacity, policy): &(&str, Option<usize>, scenario::Undelivered)| {
            let options = Options::new().undelivered(undelivered(policy));
            let more = usize::from(sabotage == Sabotage::CapacityIsIgnored);
            let options = capacity.map_or(options, |capacity| options.capacity(capacity + more));
            let (send, receive) = options.open_with();
            (Some(send), Some(receive))
        };
        let mut ends: Vec<_> = CHANNELS.iter().map(open).collect();
        let channels = ends.iter().flat_map(|(send, _)| send).map(SendEnd::channel_id).collect();
        let hold = |holding: &Holding| match *holding {
            Holding::Handle(buffer) => buffers[buffer].take().map(Value::Handle),
            Holding::SendEnd(channel) => ends[channel].0.take().map(Value::SendEnd),
            Holding::ReceiveEnd(channel) => ends[channel].1.take().map(Value::ReceiveEnd),
            _ => unreachable!("nothing else is held"),
        };
        let held = HOLDS.iter().map(hold).collect();
        Self { interpreters, objects, channels, held, results: Vec::new(), told, sabotage }
    }

    fn step(&mut self, step: &Step, stay: Option<&mut Attached<'_>>) {
        match *step {
            Step::Send { end, what, patience } => self.send(end, what, patience, stay.as_deref()),
            Step::Receive { end, into, patience } => self.receive(end, into, patience),
            Step::Copy { what, into } => {
                self.held[into] = match (&self.held[what], stay) {
                    (Some(Value::Handle(buffer)), Some(stay)) if buffer.owner() == stay.interpreter() => {
                        Some(Value::Handle(buffer.clone_ref(stay)))
                    }
                    (Some(Value::SendEnd(end)), _) => Some(Value::SendEnd(end.clone())),
                    _ => None,
                };
            }
            Step::Clone { view, into } => self.derive(view, into, View::clone),
            Step::Slice { view, into } => self.derive(view, into, |view| view.slice(1..)),
            Step::Read { what } => {
                let bytes: &[u8] = match &self.held[what] {
                    Some(Value::Handle(buffer)) => buffer,
                    Some(Value::View(view)) => view,
                    _ => return,
                };
                let word = describe(bytes);
                self.results.push(word);
            }
            Step::Release { view } => match self.held[view].take() {
                Some(Value::View(view)) if self.sabotage == Sabotage::ViewsAreLeaked => std::mem::forget(view),
                Some(Value::View(view)) => view.release(),
                other => self.held[view] = other,
            },
            Step::Drop { what } => drop(self.held[what].take()),
            Step::Thaw { handle } => self.thaw(handle, stay.as_deref()),
            Step::Close { end } => match self.held[end].take() {
                Some(Value::SendEnd(end)) => end.close(),
                Some(Value::ReceiveEnd(end)) => end.close(),
                other => self.held[end] = other,
            },
            Step::Undelivered { end, policy } => {
                if let Some(Value::SendEnd(end)) = &mut self.held[end] {
                    end.set_undelivered(undelivered(policy));
                }
            }
            Step::End { interpreter } => {
                let ended = self.interpreters[interpreter].end().is_ok();
                self.say(if ended { "ended" } else { "ended-before" });
            }
            Step::Safepoint => stay.into_iter().for_each(Attached::safepoint),
            _ => unreachable!("{step:?} is not tried"),
        }
    }

    fn say(&mut self, word: &str) {
        self.results.push(word.to_owned());
    }

    fn send(&mut self, end: Variable, what: Variable, patience: Patience, token: Option<&Attached<'_>>) {
        let (Some(Value::SendEnd(_)), Some(token)) = (&self.held[end], token) else { return };
        let Some(Value::SendEnd(via)) = self.held[end].take() else { unreachable!("just seen") };
        let (word, back) = match self.held[what].take() {
            Some(Value::Handle(buffer)) => send(&via, token, buffer, patience, Value::Handle),
            Some(Value::SendEnd(sent)) => send(&via, token, sent, patience, Value::SendEnd),
            Some(Value::ReceiveEnd(sent)) => send(&via, token, sent, patience, Value::ReceiveEnd),
            other => (None, other),
        };
        self.held[what] = back;
        self.held[end] = Some(Value::SendEnd(via));
        self.results.extend(word.map(str::to_owned));
    }

    fn receive(&mut self, end: Variable, into: Variable, patience: Patience) {
        let Some(Value::ReceiveEnd(via)) = &self.held[end] else { return };
        let (word, value) = match receive(via, patience) {
            Ok(Message::View(view)) => (describe(&view), Some(Value::View(view))),
            Ok(Message::SendEnd(end)) => (self.name(end.channel_id(), "tx"), Some(Value::SendEnd(end))),
            Ok(Message::ReceiveEnd(end)) => (self.name(end.channel_id(), "rx"), Some(Value::ReceiveEnd(end))),
            Ok(_) => unreachable!("there are three kinds of messages"),
            Err(word) => (word.to_owned(), None),
        };
        self.held[into] = value;
        self.results.push(word);
    }

    fn name(&self, id: ChannelId, end: &str) -> String {
        let channel = self.channels.iter().position(|&known| known == id).expect("one of ours");
        format!("{}.{end}", CHANNELS[channel].0)
    }

    fn derive(
        &mut self,
        view: Variable,
        into: Variable,
        derive: impl FnOnce(&View<Interpreter, S>) -> View<Interpreter, S>,
    ) {
        if let Some(Value::View(view)) = &self.held[view] {
            self.held[into] = Some(Value::View(derive(view)));
        }
    }

    fn thaw(&mut self, handle: Variable, token: Option<&Attached<'_>>) {
        let (Some(Value::Handle(buffer)), Some(token)) = (&self.held[handle], token) else { return };
        if buffer.owner() != token.interpreter() {
            return;
        }
        let Some(Value::Handle(buffer)) = self.held[handle].take() else { unreachable!("just seen") };
        let (index, version) = parse(&buffer);
        let (buffer, word) = match buffer.try_thaw(token) {
            Ok(mut there) => {
                there.copy_from_slice(&bytes(index, version + 1));
                (there.freeze(token), "thawed")
            }
            Err(ThawError::InUse(buffer)) if self.sabotage == Sabotage::ThawIgnoresRefusal => (buffer, "thawed"),
            Err(ThawError::InUse(buffer)) => (buffer, "refused"),
            Err(other) => unreachable!("no buffer is foreign: {other}"),
        };
        self.objects[index] = buffer.object_id();
        self.held[handle] = Some(Value::Handle(buffer));
        self.say(word);
    }
}

impl<S: Sharing<Interpreter>> Behaviour for System<S> {
    fn act(&mut self, act: &Act) {
        let step = aimed(&act.step, self.held.len());
        self.held.push(None);
        let Some(interpreter) = act.at else { return self.step(&step, None) };
        let interpreter = self.interpreters[interpreter].clone();
        if interpreter.try_attach(|stay| self.step(&step, Some(stay))).is_err() {
            self.say("gone");
        }
    }

    fn observe(&self) -> Observation {
        let told = self.told.borrow();
        let words = if self.results.is_empty() { "-".to_owned() } else { self.results.join(" ") };
        let count = |object| told.counts.get(object).copied().unwrap_or_default();
        Observation {
            results: format!("lone: {words}"),
            counts: self.objects.iter().map(count).collect(),
            queued: self.channels.iter().map(|id| told.queued.get(id).copied().unwrap_or_default()).collect(),
        }
    }

    fn finish(mut self: Box<Self>) -> i64 {
        self.held.clear();
        trace::set_recorder(None);
        self.told.borrow().frozen
    }
}

fn undelivered(policy: scenario::Undelivered) -> Undelivered {
    match policy {
        scenario::Undelivered::Deliver => Undelivered::Deliver,
        scenario::Undelivered::Error => Undelivered::Error,
        scenario::Undelivered::Remove => Undelivered::Remove,
    }
}

/// Which buffer it is and how often it was thawed: two bytes, and what slices may leave out before them.
fn bytes(buffer: usize, version: u8) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes.extend([u8::try_from(buffer).expect("few"), version]);
    bytes
}

fn parse(bytes: &[u8]) -> (usize, u8) {
    let &[.., buffer, version] = bytes else { unreachable!("a slice leaves them") };
    (buffer.into(), version)
}

fn describe(bytes: &[u8]) -> String {
    let (buffer, version) = parse(bytes);
    format!("{}{version}", BUFFERS[buffer].0)
}

type Sending<S> = (Option<&'static str>, Option<Value<S>>);

fn send<S: Sharing<Interpreter>, P: Payload<Interpreter, S>>(
    via: &SendEnd<Interpreter, S>,
    token: &Attached<'_>,
    payload: P,
    patience: Patience,
    wrap: fn(P) -> Value<S>,
) -> Sending<S> {
    let (word, back) = match patience {
        Patience::Never => match via.try_send(token, payload) {
            Ok(()) => return (Some("sent"), None),
            Err(TrySendError::Full(payload)) => ("full", payload),
            Err(TrySendError::Closed(payload)) => ("closed", payload),
            Err(TrySendError::NotOwner(payload)) => ("not-owner", payload),
            Err(TrySendError::Unreachable(payload)) => ("unreachable", payload),
            Err(other) => ("unknown", other.into_inner()),
        },
        Patience::Forever => match via.send(token, payload) {
            Ok(()) => return (Some("sent"), None),
            Err(SendError::Closed(payload)) => ("closed", payload),
            Err(SendError::Interrupted(payload)) => ("interrupted", payload),
            Err(SendError::NotOwner(payload)) => ("not-owner", payload),
            Err(SendError::Unreachable(payload)) => ("unreachable", payload),
            Err(other) => ("unknown", other.into_inner()),
        },
        Patience::Deadline => match via.send_timeout(token, payload, Duration::ZERO) {
            Ok(()) => return (Some("sent"), None),
            Err(SendTimeoutError::TimedOut(payload)) => ("timed-out", payload),
            Err(SendTimeoutError::Closed(payload)) => ("closed", payload),
            Err(SendTimeoutError::Interrupted(payload)) => ("interrupted", payload),
            Err(SendTimeoutError::NotOwner(payload)) => ("not-owner", payload),
            Err(SendTimeoutError::Unreachable(payload)) => ("unreachable", payload),
            Err(other) => ("unknown", other.into_inner()),
        },
    };
    (Some(word), Some(wrap(back)))
}

fn receive<S: Sharing<Interpreter>>(
    via: &ReceiveEnd<Interpreter, S>,
    patience: Patience,
) -> Result<Message<Interpreter, S>, &'static str> {
    match patience {
        Patience::Never => via.try_recv().map_err(|error| match error {
            TryRecvError::Empty => "empty",
            TryRecvError::Closed => "closed",
            TryRecvError::OwnerEnded => "owner-ended",
            _ => "unknown",
        }),
        Patience::Forever => via.recv().map_err(|error| match error {
            RecvError::Closed => "closed",
            RecvError::Interrupted => "interrupted",
            RecvError::OwnerEnded => "owner-ended",
            _ => "unknown",
        }),
        Patience::Deadline => via.recv_timeout(Duration::ZERO).map_err(|error| match error {
            RecvTimeoutError::TimedOut => "timed-out",
            RecvTimeoutError::Closed => "closed",
            RecvTimeoutError::Interrupted => "interrupted",
            RecvTimeoutError::OwnerEnded => "owner-ended",
            _ => "unknown",
        }),
    }
}
