//! The same program on the real code.

use super::act::{Act, CHANNELS, How, INTERPRETERS};
use super::common::Drops;
use super::oracle::{CAPACITIES, LEN, Oracle, Outcome, POLICIES, take};
use proptest::test_runner::TestCaseError;
use proptest::{prop_assert, prop_assert_eq};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use viewchan::channel::{
    Options, Payload, RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError,
};
use viewchan::strategy::Strategy;
use viewchan::trace::ChannelId;
use viewchan::{Attached, Buffer, BufferMut, Interpreter, Layout, Message, ReceiveEnd, SendEnd, ThawError, View};

/// A mistake in how the program treats the channel, which the property must notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// What a send gives back is forgotten instead of kept.
    ForgetsRefused,
    /// A view is forgotten instead of released.
    ForgetsViews,
    /// An interpreter that may have ended is entered without asking.
    EntersBlindly,
    /// The books say that a full channel comes before a closed one.
    WrongBooks,
}

/// A program under way.
pub(crate) struct World<S: Strategy<Interpreter>> {
    interpreters: [Interpreter; INTERPRETERS],
    channels: [ChannelId; CHANNELS],
    send_ends: [Vec<SendEnd<Interpreter, S>>; CHANNELS],
    receive_ends: [Option<ReceiveEnd<Interpreter, S>>; CHANNELS],
    handles: Vec<Buffer>,
    views: Vec<View<Interpreter, S>>,
    drops: Drops,
    oracle: Oracle,
    mistake: Option<Mistake>,
}

/// The token of the interpreter where the thread is, if it is in one.
type Place<'p, 'a> = Option<&'p mut Attached<'a>>;

type Checked = Result<(), TestCaseError>;

/// Runs a program: each act has the outcome that the books say, and at the end everything was given back.
pub(crate) fn run<S: Strategy<Interpreter>>(acts: &[Act], mistake: Option<Mistake>) -> Checked {
    let mut world = World::<S> {
        interpreters: std::array::from_fn(|_| Interpreter::new()),
        channels: [ChannelId(0); CHANNELS],
        send_ends: [const { Vec::new() }; CHANNELS],
        receive_ends: [const { None }; CHANNELS],
        handles: Vec::new(),
        views: Vec::new(),
        drops: Drops::default(),
        oracle: Oracle::new(mistake == Some(Mistake::WrongBooks)),
        mistake,
    };
    for channel in 0..CHANNELS {
        let options = Options::new().capacity(CAPACITIES[channel]).undelivered(POLICIES[channel]);
        let (send, receive) = options.open_with();
        world.channels[channel] = send.channel_id();
        world.send_ends[channel].push(send);
        world.receive_ends[channel] = Some(receive);
    }
    world.all(acts, &mut None)?;
    world.end()
}

impl<S: Strategy<Interpreter>> World<S> {
    fn all(&mut self, acts: &[Act], place: &mut Place<'_, '_>) -> Checked {
        acts.iter().try_for_each(|act| self.one(act, place))
    }

    fn one(&mut self, act: &Act, place: &mut Place<'_, '_>) -> Checked {
        let here = self.number(place);
        match act {
            Act::Attach(at, acts) => self.attach(*at, acts, place),
            Act::Detach(acts) => match place {
                Some(token) => token.detach(|| self.all(acts, &mut None)),
                None => self.all(acts, place),
            },
            simple => {
                let expected = self.oracle.expect(simple, here);
                let found = self.act(simple, place, expected);
                same(simple, found, expected)?;
                // Nothing is freed too early. Under `deferred` it may be later.
                let (freed, due) = (self.drops.count(), self.oracle.lent_and_freed());
                prop_assert!(freed <= due, "{} buffers are freed behind {:?}, of {}", freed, simple, due);
                Ok(())
            }
        }
    }

    /// The number of the interpreter where the thread is.
    fn number(&self, place: &Place<'_, '_>) -> Option<usize> {
        let here = place.as_ref().map(|token| token.interpreter());
        here.and_then(|here| self.interpreters.iter().position(|interpreter| interpreter == here))
    }

    fn attach(&mut self, at: usize, acts: &[Act], place: &mut Place<'_, '_>) -> Checked {
        let expected = match self.oracle.admits(self.number(place), at) {
            true => Outcome::Done,
            false => Outcome::Ended,
        };
        let interpreter = self.interpreters[at].clone();
        let blindly = self.mistake == Some(Mistake::EntersBlindly);
        let work = |token: &mut Attached<'_>| self.all(acts, &mut Some(token));
        let done = match place {
            Some(token) => token.try_attach_to(&interpreter, work),
            None if blindly => Ok(interpreter.attach(work)),
            None => interpreter.try_attach(work),
        };
        let found = if done.is_ok() { Outcome::Done } else { Outcome::Ended };
        same(&Act::Attach(at, Vec::new()), found, expected)?;
        done.unwrap_or(Ok(()))
    }

    /// Does an act that contains no others.
    fn act(&mut self, act: &Act, place: &mut Place<'_, '_>, expected: Outcome) -> Outcome {
        match *act {
            Act::Attach(..) | Act::Detach(_) => unreachable!("done by the caller"),
            Act::AttachBlindly(at) => panics(|| self.interpreters[at].attach(|_| ())),
            Act::End(at) => self.interpreters[at].end().map_or(Outcome::Ended, |()| Outcome::Done),
            Act::Freeze { lent } => self.freeze(lent, place),
            Act::CloneHandle(handle) => self.clone_handle(handle, place),
            Act::DropHandle(handle) => done(take(&mut self.handles, handle).map(drop)),
            Act::Thaw(handle) => self.thaw(handle, place),
            Act::Shape { handle, len } => self.shape(handle, len),
            Act::Send { channel, handle, how } => self.send(channel, handle, patient(how, expected), place),
            Act::SendSendEnd { channel, of, how } => self.send_send_end(channel, of, patient(how, expected), place),
            Act::SendReceiveEnd { channel, of, how } => {
                self.send_receive_end(channel, of, patient(how, expected), place)
            }
            Act::Receive { channel, how } => self.receive(channel, patient(how, expected)),
            Act::CloneEnd(channel) => {
                let clone = self.send_ends[channel].last().cloned();
                done(clone.map(|clone| self.send_ends[channel].push(clone)))
            }
            Act::DropEnd(channel) => done(self.send_ends[channel].pop().map(drop)),
            Act::CloseEnd(channel) => done(self.send_ends[channel].pop().map(SendEnd::close)),
            Act::Shut(channel) => done(self.receive_ends[channel].as_ref().map(ReceiveEnd::shut)),
            Act::DropReceiveEnd(channel) => done(self.receive_ends[channel].take().map(drop)),
            Act::CloneView(view) => {
                let clone = self.views.get(view % self.views.len().max(1)).cloned();
                done(clone.map(|clone| self.views.push(clone)))
            }
            Act::Slice { view, from, to } => self.slice(view, from, to),
            Act::Release(view) => {
                let view = take(&mut self.views, view);
                if self.mistake == Some(Mistake::ForgetsViews) {
                    return done(view.map(std::mem::forget));
                }
                done(view.map(View::release))
            }
        }
    }

    fn freeze(&mut self, lent: bool, place: &Place<'_, '_>) -> Outcome {
        let Some(token) = place else { return Outcome::Skipped };
        // The books have made it already.
        let number = self.oracle.next_buffer() - 1;
        let bytes = [number; LEN];
        self.handles.push(match lent {
            true => self.drops.buffer(token, &bytes),
            false => BufferMut::from(&bytes[..]).freeze(token),
        });
        Outcome::Done
    }

    fn clone_handle(&mut self, handle: usize, place: &Place<'_, '_>) -> Outcome {
        let (Some(token), false) = (place, self.handles.is_empty()) else { return Outcome::Skipped };
        let buffer = &self.handles[handle % self.handles.len()];
        let mut clone = None;
        let outcome = panics(|| clone = Some(buffer.clone_ref(token)));
        self.handles.extend(clone);
        outcome
    }

    fn thaw(&mut self, handle: usize, place: &mut Place<'_, '_>) -> Outcome {
        let (Some(token), false) = (place, self.handles.is_empty()) else { return Outcome::Skipped };
        token.safepoint(); // What was released may lie on the return list.
        let buffer = take(&mut self.handles, handle).expect("there are some");
        let number = buffer[0];
        let mut thawed = None;
        if panics(|| thawed = Some(buffer.try_thaw(token))) == Outcome::Panics {
            return Outcome::Panics;
        }
        let (outcome, buffer) = match thawed.expect("it did not panic") {
            Ok(mut bytes) => {
                bytes.fill(number);
                (Outcome::Done, bytes.freeze(token))
            }
            Err(ThawError::InUse(buffer)) => (Outcome::InUse, buffer),
            Err(ThawError::Foreign(buffer)) => (Outcome::Lent, buffer),
            Err(other) => panic!("an error that is not documented: {other}"),
        };
        self.handles.push(buffer);
        outcome
    }

    fn shape(&mut self, handle: usize, len: usize) -> Outcome {
        let Some(place) = handle.checked_rem(self.handles.len()) else { return Outcome::Skipped };
        let buffer = self.handles.swap_remove(place);
        let (outcome, buffer) = match buffer.with_layout(Layout::bytes(len)) {
            Ok(shaped) => (Outcome::Done, shaped.into_parts().0),
            Err(refused) => (Outcome::OtherLength, refused.into_inner()),
        };
        self.handles.push(buffer);
        let last = self.handles.len() - 1;
        self.handles.swap(place, last);
        outcome
    }

    fn send(&mut self, channel: usize, handle: usize, how: How, place: &Place<'_, '_>) -> Outcome {
        let (Some(token), false) = (place, self.handles.is_empty()) else { return Outcome::Skipped };
        let Some(end) = self.send_ends[channel].last() else { return Outcome::Skipped };
        let buffer = take(&mut self.handles, handle).expect("there are some");
        let address = buffer.as_ptr();
        let (outcome, back) = transmit(end, token, buffer, how);
        assert!(back.as_ref().is_none_or(|buffer| buffer.as_ptr() == address), "another buffer came back");
        if self.mistake == Some(Mistake::ForgetsRefused) {
            // The books keep the handle: so does the program, with one reference too many.
            let copy =
                back.as_ref().filter(|back| back.owner() == token.interpreter()).map(|back| back.clone_ref(token));
            std::mem::forget(copy);
        }
        self.handles.extend(back);
        outcome
    }

    fn send_send_end(&mut self, channel: usize, of: usize, how: How, place: &Place<'_, '_>) -> Outcome {
        let needed = if channel == of { 2 } else { 1 };
        let (Some(token), true) = (place, self.send_ends[of].len() >= needed) else { return Outcome::Skipped };
        let Some(payload) = self.send_ends[of].pop() else { return Outcome::Skipped };
        let Some(end) = self.send_ends[channel].last() else {
            self.send_ends[of].push(payload);
            return Outcome::Skipped;
        };
        let (outcome, back) = transmit(end, token, payload, how);
        self.send_ends[of].extend(back);
        outcome
    }

    fn send_receive_end(&mut self, channel: usize, of: usize, how: How, place: &Place<'_, '_>) -> Outcome {
        let (Some(token), Some(end)) = (place, self.send_ends[channel].last()) else { return Outcome::Skipped };
        let Some(payload) = self.receive_ends[of].take() else { return Outcome::Skipped };
        let (outcome, back) = transmit(end, token, payload, how);
        self.receive_ends[of] = back;
        outcome
    }

    fn receive(&mut self, channel: usize, how: How) -> Outcome {
        let Some(end) = &self.receive_ends[channel] else { return Outcome::Skipped };
        let received = match how {
            How::Try => end.try_recv().map_err(|why| match why {
                TryRecvError::Closed => Outcome::Closed,
                TryRecvError::OwnerEnded => Outcome::OwnerEnded,
                TryRecvError::Empty => Outcome::NotReady,
                other => panic!("an error that is not documented: {other}"),
            }),
            How::Late => end.recv_timeout(Duration::ZERO).map_err(|why| match why {
                RecvTimeoutError::Closed => Outcome::Closed,
                RecvTimeoutError::OwnerEnded => Outcome::OwnerEnded,
                RecvTimeoutError::Interrupted => Outcome::Interrupted,
                RecvTimeoutError::TimedOut => Outcome::TimedOut,
                other => panic!("an error that is not documented: {other}"),
            }),
            How::Forever => end.recv().map_err(|why| match why {
                RecvError::Closed => Outcome::Closed,
                RecvError::OwnerEnded => Outcome::OwnerEnded,
                RecvError::Interrupted => Outcome::Interrupted,
                other => panic!("an error that is not documented: {other}"),
            }),
        };
        match received {
            Ok(Message::View(view)) => {
                let number = view[0];
                assert_eq!(view[..], [number; LEN], "the bytes that were sent");
                self.views.push(view);
                Outcome::View(number)
            }
            Ok(Message::SendEnd(end)) => {
                let of = self.number_of(end.channel_id());
                self.send_ends[of].push(end);
                Outcome::SendEnd(of)
            }
            Ok(Message::ReceiveEnd(end)) => {
                let of = self.number_of(end.channel_id());
                self.receive_ends[of] = Some(end);
                Outcome::ReceiveEnd(of)
            }
            Ok(other) => panic!("nothing else was sent: {other:?}"),
            Err(outcome) => outcome,
        }
    }

    fn number_of(&self, id: ChannelId) -> usize {
        self.channels.iter().position(|channel| *channel == id).expect("a channel of this program")
    }

    fn slice(&mut self, view: usize, from: usize, to: usize) -> Outcome {
        let Some(view) = self.views.get(view % self.views.len().max(1)) else { return Outcome::Skipped };
        let mut slice = None;
        let outcome = panics(|| slice = Some(view.slice(from..to)));
        self.views.extend(slice);
        outcome
    }

    /// Drops what the program has, attached to nobody, and counts.
    fn end(mut self) -> Checked {
        self.oracle.end();
        self.views.clear();
        self.handles.clear();
        self.receive_ends.iter_mut().for_each(|end| drop(end.take()));
        self.send_ends.iter_mut().for_each(Vec::clear);
        for (number, interpreter) in self.interpreters.iter().enumerate() {
            // What the return list still has is collected here; of one that has ended, it was when it came back.
            let entered = interpreter.try_attach(|token| token.safepoint());
            prop_assert_eq!(entered.is_ok(), self.oracle.admits(None, number), "whether interpreter {} runs", number);
        }
        prop_assert_eq!(self.drops.count(), self.oracle.lent_and_freed(), "buffers freed at the end");
        Ok(())
    }
}

fn same(act: &Act, found: Outcome, expected: Outcome) -> Checked {
    prop_assert_eq!(found, expected, "what came of {:?}, and what should have", act);
    Ok(())
}

/// Waits for ever only where the books say that it is not long.
fn patient(how: How, expected: Outcome) -> How {
    if expected == Outcome::TimedOut && how == How::Forever { How::Late } else { how }
}

fn done(done: Option<()>) -> Outcome {
    done.map_or(Outcome::Skipped, |()| Outcome::Done)
}

fn panics(work: impl FnOnce()) -> Outcome {
    catch_unwind(AssertUnwindSafe(work)).map_or(Outcome::Panics, |()| Outcome::Done)
}

/// Sends, and says what came of it; what was not sent is there again.
fn transmit<S: Strategy<Interpreter>, P: Payload<Interpreter, S>>(
    end: &SendEnd<Interpreter, S>,
    token: &Attached<'_>,
    payload: P,
    how: How,
) -> (Outcome, Option<P>) {
    let refused = match how {
        How::Try => end.try_send(token, payload).map_err(|why| match why {
            TrySendError::Closed(back) => (Outcome::Closed, back),
            TrySendError::NotOwner(back) => (Outcome::NotOwner, back),
            TrySendError::Unreachable(back) => (Outcome::Unreachable, back),
            TrySendError::Full(back) => (Outcome::NotReady, back),
            other => panic!("an error that is not documented: {other}"),
        }),
        How::Late => end.send_timeout(token, payload, Duration::ZERO).map_err(|why| match why {
            SendTimeoutError::Closed(back) => (Outcome::Closed, back),
            SendTimeoutError::NotOwner(back) => (Outcome::NotOwner, back),
            SendTimeoutError::Unreachable(back) => (Outcome::Unreachable, back),
            SendTimeoutError::Interrupted(back) => (Outcome::Interrupted, back),
            SendTimeoutError::TimedOut(back) => (Outcome::TimedOut, back),
            other => panic!("an error that is not documented: {other}"),
        }),
        How::Forever => end.send(token, payload).map_err(|why| match why {
            SendError::Closed(back) => (Outcome::Closed, back),
            SendError::NotOwner(back) => (Outcome::NotOwner, back),
            SendError::Unreachable(back) => (Outcome::Unreachable, back),
            SendError::Interrupted(back) => (Outcome::Interrupted, back),
            other => panic!("an error that is not documented: {other}"),
        }),
    };
    match refused {
        Ok(()) => (Outcome::Sent, None),
        Err((why, back)) => (why, Some(back)),
    }
}
