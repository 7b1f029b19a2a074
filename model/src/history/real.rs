//! The channel that ships, on the reference runtime.

use super::{Answer, Plan, ReceiveSide, SendSide, Subject};
use crate::scenario::Patience;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use viewchan::channel::{
    Options, RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError,
};
use viewchan::strategy::Strategy;
use viewchan::{Attached, Batches, Buffer, Interpreter, Message, ReceiveEnd, SendEnd, View};

/// How long an operation with a deadline waits: in turn not at all, so that deadlines pass on a machine of any speed, and for
/// long enough that somebody comes.
fn while_waiting() -> Duration {
    static TURN: AtomicUsize = AtomicUsize::new(0);
    Duration::from_micros(if TURN.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) { 0 } else { 100 })
}

/// A number is the byte of a buffer. It is read through the view, which is kept until its receiver is done.
pub struct Real<S> {
    interpreters: Vec<Interpreter>,
    counts: Arc<Counts>,
    strategy: PhantomData<fn() -> S>,
}

impl<S> Default for Real<S> {
    fn default() -> Self {
        Self { interpreters: Vec::new(), counts: Arc::default(), strategy: PhantomData }
    }
}

/// Buffers made, and freed.
#[derive(Default)]
struct Counts {
    made: AtomicUsize,
    freed: AtomicUsize,
}

/// The byte of a buffer, which counts itself.
struct Byte {
    number: [u8; 1],
    counts: Arc<Counts>,
}

impl Byte {
    fn freeze(token: &Attached<'_>, number: u8, counts: &Arc<Counts>) -> Buffer {
        counts.made.fetch_add(1, Ordering::Relaxed);
        Buffer::from_owner(token, Self { number: [number], counts: Arc::clone(counts) })
    }
}

impl AsRef<[u8]> for Byte {
    fn as_ref(&self) -> &[u8] {
        &self.number
    }
}

impl Drop for Byte {
    fn drop(&mut self) {
        self.counts.freed.fetch_add(1, Ordering::Relaxed);
    }
}

impl<S: Strategy<Interpreter>> Subject for Real<S> {
    type Send = RealSend<S>;
    type Receive = RealReceive<S>;

    fn open(&mut self, plan: &Plan) -> (Vec<RealSend<S>>, Vec<RealReceive<S>>) {
        self.interpreters = (0..plan.interpreters())
            .map(|_| Interpreter::with_batches(Batches { collected: 1, released: 1, kept: 1 }))
            .collect();
        let options = plan.capacity.map_or(Options::new(), |capacity| Options::new().capacity(capacity));
        let (send, receive) = options.open_with::<Interpreter, S>();
        let receive = Arc::new(receive);
        let senders = plan.senders.iter().map(|sending| RealSend {
            end: send.clone(),
            interpreter: self.interpreters[sending.interpreter].clone(),
            counts: Arc::clone(&self.counts),
        });
        let receivers = plan.receivers.iter().map(|receiving| RealReceive {
            end: Arc::clone(&receive),
            home: receiving.home.map(|home| self.interpreters[home].clone()),
            kept: Vec::new(),
        });
        (senders.collect(), receivers.collect())
    }

    fn close(self) -> Result<(), String> {
        for interpreter in &self.interpreters {
            // Each safepoint collects one buffer of the return list.
            (0..self.counts.made.load(Ordering::Relaxed)).for_each(|_| interpreter.attach(|token| token.safepoint()));
        }
        let (made, freed) = (self.counts.made.load(Ordering::Relaxed), self.counts.freed.load(Ordering::Relaxed));
        if made == freed { Ok(()) } else { Err(format!("{made} buffers were made and {freed} freed")) }
    }
}

/// A send end, and where it is used.
pub struct RealSend<S: Strategy<Interpreter>> {
    end: SendEnd<Interpreter, S>,
    interpreter: Interpreter,
    counts: Arc<Counts>,
}

impl<S: Strategy<Interpreter>> SendSide for RealSend<S> {
    fn send(&self, number: u8, patience: Patience) -> Answer {
        self.interpreter.attach(|token| {
            let buffer = Byte::freeze(token, number, &self.counts);
            let (answer, back) = match patience {
                Patience::Forever => match self.end.send(token, buffer) {
                    Ok(()) => return Answer::Sent,
                    Err(SendError::Closed(buffer)) => (Answer::Closed, buffer),
                    Err(other) => panic!("not to be expected: {other}"),
                },
                Patience::Never => match self.end.try_send(token, buffer) {
                    Ok(()) => return Answer::Sent,
                    Err(TrySendError::Closed(buffer)) => (Answer::Closed, buffer),
                    Err(TrySendError::Full(buffer)) => (Answer::NotReady, buffer),
                    Err(other) => panic!("not to be expected: {other}"),
                },
                Patience::Deadline => match self.end.send_timeout(token, buffer, while_waiting()) {
                    Ok(()) => return Answer::Sent,
                    Err(SendTimeoutError::Closed(buffer)) => (Answer::Closed, buffer),
                    Err(SendTimeoutError::TimedOut(buffer)) => (Answer::TimedOut, buffer),
                    Err(other) => panic!("not to be expected: {other}"),
                },
            };
            assert_eq!(back[..], [number], "the very buffer comes back");
            answer
        })
    }

    fn duplicate(&self) -> Self {
        Self { end: self.end.clone(), interpreter: self.interpreter.clone(), counts: Arc::clone(&self.counts) }
    }

    fn close(self) {
        self.end.close();
    }
}

/// A share of a receive end, where it is used, and what was received.
pub struct RealReceive<S: Strategy<Interpreter>> {
    end: Arc<ReceiveEnd<Interpreter, S>>,
    home: Option<Interpreter>,
    kept: Vec<View<Interpreter, S>>,
}

impl<S: Strategy<Interpreter>> RealReceive<S> {
    fn take(end: &ReceiveEnd<Interpreter, S>, patience: Patience) -> Result<Message<Interpreter, S>, Answer> {
        match patience {
            Patience::Forever => end.recv().map_err(|why| match why {
                RecvError::Closed => Answer::Closed,
                other => panic!("not to be expected: {other}"),
            }),
            Patience::Never => end.try_recv().map_err(|why| match why {
                TryRecvError::Closed => Answer::Closed,
                TryRecvError::Empty => Answer::NotReady,
                other => panic!("not to be expected: {other}"),
            }),
            Patience::Deadline => end.recv_timeout(while_waiting()).map_err(|why| match why {
                RecvTimeoutError::Closed => Answer::Closed,
                RecvTimeoutError::TimedOut => Answer::TimedOut,
                other => panic!("not to be expected: {other}"),
            }),
        }
    }
}

impl<S: Strategy<Interpreter>> ReceiveSide for RealReceive<S> {
    fn receive(&mut self, patience: Patience) -> Answer {
        let taken = match &self.home {
            Some(home) => home.attach(|_| Self::take(&self.end, patience)),
            None => Self::take(&self.end, patience),
        };
        match taken {
            Ok(message) => {
                let view = message.into_view().expect("numbers are sent as buffers");
                let number = view[0];
                self.kept.push(view);
                Answer::Received(number)
            }
            Err(answer) => answer,
        }
    }

    fn count(&self) -> usize {
        self.end.len()
    }

    fn shut(&mut self) {
        self.end.shut();
    }
}
