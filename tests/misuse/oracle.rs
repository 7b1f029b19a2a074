//! What the documentation says comes of it, by bookkeeping: no lock, no memory, no strategy.

use super::act::{Act, CHANNELS, How, INTERPRETERS};
use std::collections::{BTreeMap, VecDeque};
use viewchan::channel::Undelivered;

/// What comes of an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// There was nothing to do it with, or the types do not let it happen.
    Skipped,
    Done,
    /// It panics, as documented.
    Panics,
    Sent,
    View(u8),
    SendEnd(usize),
    ReceiveEnd(usize),
    NotOwner,
    Unreachable,
    Closed,
    /// Full, or empty.
    NotReady,
    TimedOut,
    Interrupted,
    OwnerEnded,
    Ended,
    InUse,
    Lent,
    OtherLength,
}

/// How many bytes a buffer has.
pub(crate) const LEN: usize = 4;

/// What becomes of the undelivered messages of each channel.
pub(crate) const POLICIES: [Undelivered; CHANNELS] = [Undelivered::Deliver, Undelivered::Error, Undelivered::Remove];

/// The capacity of each channel.
pub(crate) const CAPACITIES: [usize; CHANNELS] = [1, 2, 3];

#[derive(Clone, Copy)]
enum Item {
    Buffer(u8),
    SendEnd(usize),
    ReceiveEnd(usize),
}

#[derive(Default)]
struct Channel {
    inside: VecDeque<Item>,
    /// Send ends that exist, and those of them that the program has.
    senders: usize,
    send_ends: usize,
    send_closed: bool,
    /// The receive end was shut or is gone.
    is_shut: bool,
    has_receive_end: bool,
    /// The channel that the receive end is inside of.
    inside_of: Option<usize>,
}

#[derive(Clone, Copy)]
struct Buffer {
    owner: usize,
    lent: bool,
    /// Handles, messages and views.
    references: usize,
}

/// The books.
pub(crate) struct Oracle {
    ended: [bool; INTERPRETERS],
    channels: [Channel; CHANNELS],
    buffers: BTreeMap<u8, Buffer>,
    /// The buffer of each handle; the buffer and the length of each view. In the program's order.
    handles: Vec<u8>,
    views: Vec<(u8, usize)>,
    is_wrong: bool,
}

impl Oracle {
    /// The books at the start. Those that are wrong put *full* before *closed*.
    pub(crate) fn new(is_wrong: bool) -> Self {
        let channel = |_| Channel { senders: 1, send_ends: 1, has_receive_end: true, ..Channel::default() };
        Self {
            ended: [false; INTERPRETERS],
            channels: std::array::from_fn(channel),
            buffers: BTreeMap::new(),
            handles: Vec::new(),
            views: Vec::new(),
            is_wrong,
        }
    }

    /// The buffers of lent bytes that are freed.
    pub(crate) fn lent_and_freed(&self) -> usize {
        self.buffers.values().filter(|buffer| buffer.lent && buffer.references == 0).count()
    }

    /// Whether a thread that is at `place` gets into an interpreter.
    pub(crate) fn admits(&self, place: Option<usize>, interpreter: usize) -> bool {
        place == Some(interpreter) || !self.ended[interpreter]
    }

    /// The number of the next buffer.
    pub(crate) fn next_buffer(&self) -> u8 {
        self.buffers.len() as u8
    }

    /// What comes of an act at this place. Those that contain others are not for the oracle.
    pub(crate) fn expect(&mut self, act: &Act, place: Option<usize>) -> Outcome {
        match *act {
            Act::Attach(..) | Act::Detach(_) => unreachable!("its parts are acts themselves"),
            Act::AttachBlindly(at) => {
                if place.is_some() || self.ended[at] {
                    Outcome::Panics
                } else {
                    Outcome::Done
                }
            }
            Act::End(at) => {
                if std::mem::replace(&mut self.ended[at], true) {
                    Outcome::Ended
                } else {
                    Outcome::Done
                }
            }
            Act::Freeze { lent } => self.freeze(lent, place),
            Act::CloneHandle(handle) => self.clone_handle(handle, place),
            Act::DropHandle(handle) => match self.take_handle(handle) {
                Some(buffer) => self.dereference(buffer),
                None => Outcome::Skipped,
            },
            Act::Thaw(handle) => self.thaw(handle, place),
            Act::Shape { len, .. } => match self.handles.is_empty() {
                true => Outcome::Skipped,
                false if len == LEN => Outcome::Done,
                false => Outcome::OtherLength,
            },
            Act::Send { channel, handle, how } => self.send(channel, handle, how, place),
            Act::SendSendEnd { channel, of, how } => self.send_send_end(channel, of, how, place),
            Act::SendReceiveEnd { channel, of, how } => self.send_receive_end(channel, of, how, place),
            Act::Receive { channel, how } => self.receive(channel, how, place),
            Act::CloneEnd(_) | Act::DropEnd(_) | Act::CloseEnd(_) => self.change_send_side(act),
            Act::Shut(channel) => self.shut_in_hand(channel, false),
            Act::DropReceiveEnd(channel) => self.shut_in_hand(channel, true),
            Act::CloneView(view) => match self.views.get(view % self.views.len().max(1)).copied() {
                Some(same) => self.add_view(same),
                None => Outcome::Skipped,
            },
            Act::Slice { view, from, to } => match self.views.get(view % self.views.len().max(1)).copied() {
                Some((buffer, len)) if from <= to && to <= len => self.add_view((buffer, to - from)),
                Some(_) => Outcome::Panics,
                None => Outcome::Skipped,
            },
            Act::Release(view) => match take(&mut self.views, view) {
                Some((buffer, _)) => self.dereference(buffer),
                None => Outcome::Skipped,
            },
        }
    }

    fn freeze(&mut self, lent: bool, place: Option<usize>) -> Outcome {
        let Some(owner) = place else { return Outcome::Skipped };
        let number = self.next_buffer();
        self.buffers.insert(number, Buffer { owner, lent, references: 1 });
        self.handles.push(number);
        Outcome::Done
    }

    fn take_handle(&mut self, handle: usize) -> Option<u8> {
        take(&mut self.handles, handle)
    }

    fn dereference(&mut self, buffer: u8) -> Outcome {
        self.buffer(buffer).references -= 1;
        Outcome::Done
    }

    fn buffer(&mut self, buffer: u8) -> &mut Buffer {
        self.buffers.get_mut(&buffer).expect("it was made")
    }

    fn add_view(&mut self, view: (u8, usize)) -> Outcome {
        self.buffer(view.0).references += 1;
        self.views.push(view);
        Outcome::Done
    }

    fn clone_handle(&mut self, handle: usize, place: Option<usize>) -> Outcome {
        let (Some(here), false) = (place, self.handles.is_empty()) else { return Outcome::Skipped };
        let number = self.handles[handle % self.handles.len()];
        let buffer = self.buffer(number);
        if buffer.owner != here {
            return Outcome::Panics;
        }
        buffer.references += 1;
        self.handles.push(number);
        Outcome::Done
    }

    fn thaw(&mut self, handle: usize, place: Option<usize>) -> Outcome {
        let (Some(here), false) = (place, self.handles.is_empty()) else { return Outcome::Skipped };
        let number = self.take_handle(handle).expect("there are some");
        let buffer = self.buffer(number);
        let outcome = match *buffer {
            Buffer { owner, .. } if owner != here => {
                self.dereference(number); // The handle is lost with the panic.
                return Outcome::Panics;
            }
            Buffer { references: 2.., .. } => Outcome::InUse,
            Buffer { lent: true, .. } => Outcome::Lent,
            _ => Outcome::Done,
        };
        self.handles.push(number);
        outcome
    }

    /// Why nothing goes in, if nothing does.
    fn refuses(&self, channel: usize, how: How, place: Option<usize>) -> Option<Outcome> {
        let there = &self.channels[channel];
        let closed = (there.send_closed || there.is_shut).then_some(Outcome::Closed);
        let full = (there.inside.len() >= CAPACITIES[channel]).then(|| self.unready(how, place));
        if self.is_wrong { full.or(closed) } else { closed.or(full) }
    }

    fn unready(&self, how: How, place: Option<usize>) -> Outcome {
        match how {
            How::Try => Outcome::NotReady,
            How::Late | How::Forever if place.is_some_and(|home| self.ended[home]) => Outcome::Interrupted,
            How::Late | How::Forever => Outcome::TimedOut,
        }
    }

    fn send(&mut self, channel: usize, handle: usize, how: How, place: Option<usize>) -> Outcome {
        let (Some(here), false, true) = (place, self.handles.is_empty(), self.channels[channel].send_ends > 0) else {
            return Outcome::Skipped;
        };
        let number = self.take_handle(handle).expect("there are some");
        let refused = match self.buffer(number).owner == here {
            false => Some(Outcome::NotOwner),
            true => self.refuses(channel, how, place),
        };
        if let Some(refused) = refused {
            self.handles.push(number);
            return refused;
        }
        self.channels[channel].inside.push_back(Item::Buffer(number));
        Outcome::Sent
    }

    fn send_send_end(&mut self, channel: usize, of: usize, how: How, place: Option<usize>) -> Outcome {
        // An end is sent through another one, also where both are of one channel.
        let needed = if channel == of { 2 } else { 1 };
        if place.is_none() || self.channels[channel].send_ends == 0 || self.channels[of].send_ends < needed {
            return Outcome::Skipped;
        }
        if let Some(refused) = self.refuses(channel, how, place) {
            return refused;
        }
        self.channels[of].send_ends -= 1;
        self.channels[channel].inside.push_back(Item::SendEnd(of));
        Outcome::Sent
    }

    fn send_receive_end(&mut self, channel: usize, of: usize, how: How, place: Option<usize>) -> Outcome {
        if place.is_none() || self.channels[channel].send_ends == 0 || !self.channels[of].has_receive_end {
            return Outcome::Skipped;
        }
        let mut outer = Some(channel);
        while let Some(around) = outer {
            if around == of {
                return Outcome::Unreachable;
            }
            outer = self.channels[around].inside_of;
        }
        if let Some(refused) = self.refuses(channel, how, place) {
            return refused;
        }
        self.channels[of].has_receive_end = false;
        self.channels[of].inside_of = Some(channel);
        self.channels[channel].inside.push_back(Item::ReceiveEnd(of));
        Outcome::Sent
    }

    fn receive(&mut self, channel: usize, how: How, place: Option<usize>) -> Outcome {
        if !self.channels[channel].has_receive_end {
            return Outcome::Skipped;
        }
        while let Some(item) = self.channels[channel].inside.pop_front() {
            match item {
                Item::Buffer(number) => {
                    let is_gone = self.ended[self.buffers[&number].owner];
                    match POLICIES[channel] {
                        Undelivered::Error if is_gone => {
                            self.dereference(number);
                            return Outcome::OwnerEnded;
                        }
                        Undelivered::Remove if is_gone => {
                            self.dereference(number);
                        }
                        _ => {
                            self.views.push((number, LEN));
                            return Outcome::View(number);
                        }
                    }
                }
                Item::SendEnd(of) => {
                    self.channels[of].send_ends += 1;
                    return Outcome::SendEnd(of);
                }
                Item::ReceiveEnd(of) => {
                    self.channels[of].has_receive_end = true;
                    self.channels[of].inside_of = None;
                    return Outcome::ReceiveEnd(of);
                }
            }
        }
        let there = &self.channels[channel];
        let is_closed = there.senders == 0 || there.send_closed || there.is_shut;
        if is_closed { Outcome::Closed } else { self.unready(how, place) }
    }

    fn change_send_side(&mut self, act: &Act) -> Outcome {
        let (Act::CloneEnd(channel) | Act::DropEnd(channel) | Act::CloseEnd(channel)) = *act else {
            unreachable!("the others are elsewhere")
        };
        let there = &mut self.channels[channel];
        if there.send_ends == 0 {
            return Outcome::Skipped;
        }
        if let Act::CloneEnd(_) = act {
            there.senders += 1;
            there.send_ends += 1;
        } else {
            there.senders -= 1;
            there.send_ends -= 1;
            there.send_closed |= matches!(act, Act::CloseEnd(_));
        }
        Outcome::Done
    }

    fn shut_in_hand(&mut self, channel: usize, drop: bool) -> Outcome {
        if !self.channels[channel].has_receive_end {
            return Outcome::Skipped;
        }
        self.channels[channel].has_receive_end = !drop;
        self.shut(channel);
        Outcome::Done
    }

    /// Discards what is inside.
    fn shut(&mut self, channel: usize) {
        self.channels[channel].is_shut = true;
        self.channels[channel].inside_of = None;
        for item in std::mem::take(&mut self.channels[channel].inside) {
            match item {
                Item::Buffer(number) => {
                    self.dereference(number);
                }
                Item::SendEnd(of) => self.channels[of].senders -= 1,
                Item::ReceiveEnd(of) => self.shut(of),
            }
        }
    }

    /// The program ends: it drops what it has.
    pub(crate) fn end(&mut self) {
        for (view, _) in std::mem::take(&mut self.views) {
            self.dereference(view);
        }
        for handle in std::mem::take(&mut self.handles) {
            self.dereference(handle);
        }
        (0..CHANNELS).for_each(|channel| {
            self.shut_in_hand(channel, true);
        });
    }
}

/// Takes one out, whatever the number. The last one takes its place.
pub(crate) fn take<T>(all: &mut Vec<T>, number: usize) -> Option<T> {
    let place = number.checked_rem(all.len())?;
    Some(all.swap_remove(place))
}
