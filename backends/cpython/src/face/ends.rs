//! `SendEnd` and `ReceiveEnd`.

use super::Error;
use super::claim::Slot;
use super::entry::{Classes, Context, Kept, Ours, methods, properties};
use super::errors::Raises;
use super::message::Sendable;
use super::view::refuse_pickle;
use crate::py::{Args, Builtin, Class, Owned, Raised, Ref, Result, slot};
use crate::runtime::Python;
use crate::strategy::{Any, Strategy};
use core::cell::RefCell;
use core::ffi::CStr;
use pyo3_ffi as ffi;
use std::sync::Arc;
use std::time::{Duration, Instant};
use viewchan::channel::{Options, Payload, Undelivered};
use viewchan::{Message, Shaped};

pub(super) type SendEnd = viewchan::SendEnd<Python, Any>;
pub(super) type ReceiveEnd = viewchan::ReceiveEnd<Python, Any>;

/// How long an operation waits.
#[derive(Clone, Copy)]
enum Patience {
    Never,
    For(Duration),
    Forever,
}

impl From<Option<Duration>> for Patience {
    fn from(timeout: Option<Duration>) -> Self {
        timeout.map_or(Self::Forever, Self::For)
    }
}

/// A send end. A thread that waits has a clone.
pub(super) struct SendEndValue {
    end: RefCell<Option<SendEnd>>,
    id: u64,
    strategy: Strategy,
}

impl SendEndValue {
    pub(super) fn open(&self, context: &Context<'_>) -> Result<SendEnd> {
        let end = self.end.borrow().clone();
        end.ok_or_else(|| context.raise(Error::Closed, "this send end has been closed"))
    }
}

/// A receive end. It may move away, to another interpreter or through a channel.
pub(super) struct ReceiveEndValue {
    pub(super) slot: Arc<Slot>,
    id: u64,
    strategy: Strategy,
}

impl Ours for SendEndValue {
    fn class(classes: &Classes) -> Kept {
        classes.send_end
    }
}

impl Ours for ReceiveEndValue {
    fn class(classes: &Classes) -> Kept {
        classes.receive_end
    }
}

const POLICIES: [(&str, Undelivered); 3] =
    [("deliver", Undelivered::Deliver), ("error", Undelivered::Error), ("remove", Undelivered::Remove)];

impl<'p> Context<'p> {
    /// A new channel.
    pub(super) fn channel(&self, args: Args<'p>) -> Result<Owned<'p>> {
        let [maxsize, strategy, undelivered] = args.bind("channel", ["maxsize", "strategy", "undelivered"], 0)?;
        let strategies = Strategy::ALL.map(|strategy| (strategy.name(), strategy));
        let maxsize = maxsize.map_or(Ok(0), |maxsize| self.size("maxsize", maxsize))?;
        let strategy = strategy.map_or(Ok(Strategy::View), |word| self.word("strategy", word, &strategies))?;
        let undelivered =
            undelivered.map_or(Ok(Undelivered::Deliver), |word| self.word("undelivered", word, &POLICIES))?;
        let options = Options::new().undelivered(undelivered);
        let options = if maxsize > 0 { options.capacity(maxsize) } else { options };
        let (send, receive) = options.open_chosen::<Python, Any>(strategy);
        self.attached.tuple([self.send_end(send)?, self.receive_end(receive)?])
    }

    pub(super) fn send_end(&self, end: SendEnd) -> Result<Owned<'p>> {
        let (id, strategy) = (end.channel_id().0, end.choice());
        self.create(self.state().classes.send_end, SendEndValue { end: RefCell::new(Some(end)), id, strategy })
    }

    pub(super) fn receive_end(&self, end: ReceiveEnd) -> Result<Owned<'p>> {
        let (id, strategy) = (end.channel_id().0, end.choice());
        self.create(self.state().classes.receive_end, ReceiveEndValue { slot: Slot::new(end), id, strategy })
    }

    fn send(&self, through: &SendEndValue, object: Ref<'p>, patience: Patience) -> Result<Owned<'p>> {
        let end = through.open(self)?;
        match self.sendable(object)? {
            Sendable::Immutable(immutable, layout) => {
                if self.home().is_gone() {
                    return Err(self.raise(Error::Closed, "the interpreter is gone: nothing of it can be sent"));
                }
                if through.strategy == Strategy::Deferred {
                    self.home().start_collector().map_err(|error| self.attached.raise_os(&error))?;
                }
                let buffer = self.freeze(&immutable, through.strategy);
                match layout {
                    None => self.transmit(&end, buffer, patience).map_err(|(raised, _buffer)| raised),
                    Some(layout) => {
                        let shaped = Shaped::from_parts(buffer, layout);
                        self.transmit(&end, shaped, patience).map_err(|(raised, _shaped)| raised)
                    }
                }
            }
            Sendable::SendEnd(what) => {
                let what = what.open(self)?;
                self.transmit(&end, what, patience).map_err(|(raised, _end)| raised)
            }
            Sendable::ReceiveEnd(what) => {
                let taken = what.slot.take(self)?;
                self.transmit(&end, taken, patience).map_err(|(raised, back)| {
                    what.slot.put(back);
                    raised
                })
            }
        }?;
        Ok(self.attached.none())
    }

    /// Sends a payload, or gives it back with an exception set.
    fn transmit<P: Payload<Python, Any>>(
        &self,
        end: &SendEnd,
        payload: P,
        patience: Patience,
    ) -> core::result::Result<(), (Raised, P)> {
        let token = self.token();
        if let Err(raised) = self.prepare_to_wait(patience) {
            return Err((raised, payload));
        }
        let refused = match patience {
            Patience::Never => refusal(end.try_send(&token, payload), |error| error.into_inner()),
            _ if self.home().is_main() => return self.transmit_at_signals(end, payload, patience),
            Patience::For(timeout) => refusal(end.send_timeout(&token, payload, timeout), |error| error.into_inner()),
            Patience::Forever => refusal(end.send(&token, payload), |error| error.into_inner()),
        };
        refused.map_err(|(kind, message, payload)| (self.raise(kind, &message), payload))
    }

    /// The same for threads that a signal may interrupt.
    fn transmit_at_signals<P: Payload<Python, Any>>(
        &self,
        end: &SendEnd,
        mut payload: P,
        patience: Patience,
    ) -> core::result::Result<(), (Raised, P)> {
        let token = self.token();
        let deadline = deadline(patience);
        loop {
            match refusal(end.try_send(&token, payload), |error| error.into_inner()) {
                Ok(()) => return Ok(()),
                Err((Error::Full, _, back)) => payload = back,
                Err((kind, message, back)) => return Err((self.raise(kind, &message), back)),
            }
            match self.wait_until_ready(|listener| end.watch(listener), |listener| end.unwatch(listener), deadline) {
                Ok(true) => {}
                Ok(false) => return Err((self.raise(Error::Timeout, "there was no space in time"), payload)),
                Err(raised) => return Err((raised, payload)),
            }
        }
    }

    fn receive(&self, from: &ReceiveEndValue, patience: Patience) -> Result<Owned<'p>> {
        let end = from.slot.open(self)?;
        self.prepare_to_wait(patience)?;
        let received = match patience {
            Patience::Never => end.try_recv().map_err(|error| self.raise_core(&error)),
            _ if self.home().is_main() => self.receive_at_signals(&end, patience),
            Patience::For(timeout) => end.recv_timeout(timeout).map_err(|error| self.raise_core(&error)),
            Patience::Forever => end.recv().map_err(|error| self.raise_core(&error)),
        };
        match received? {
            Message::View(view) => self.show(view),
            Message::Array(array) => self.show_array(array),
            Message::SendEnd(end) => self.send_end(end),
            Message::ReceiveEnd(end) => self.receive_end(end),
            _ => unreachable!("there are four kinds of messages"),
        }
    }

    /// Waits where a signal may interrupt.
    fn receive_at_signals(&self, end: &ReceiveEnd, patience: Patience) -> Result<Message<Python, Any>> {
        let deadline = deadline(patience);
        loop {
            match end.try_recv() {
                Err(error) if matches!(error.kind(), Error::Empty) => {}
                done => return done.map_err(|error| self.raise_core(&error)),
            }
            if !self.wait_until_ready(|listener| end.watch(listener), |listener| end.unwatch(listener), deadline)? {
                return Err(self.raise(Error::Timeout, "nothing came in time"));
            }
        }
    }

    fn prepare_to_wait(&self, patience: Patience) -> Result<()> {
        if matches!(patience, Patience::Never) || self.home().is_main() { Ok(()) } else { self.watch_threads() }
    }

    fn raise_core(&self, error: &(impl Raises + core::fmt::Display)) -> Raised {
        self.raise(error.kind(), &error.to_string())
    }
}

fn deadline(patience: Patience) -> Option<Instant> {
    match patience {
        Patience::For(timeout) => Instant::now().checked_add(timeout),
        Patience::Never | Patience::Forever => None,
    }
}

/// Why something was not sent, in the words of an exception, and what.
fn refusal<P, E: Raises + core::fmt::Display>(
    sent: core::result::Result<(), E>,
    into_payload: impl FnOnce(E) -> P,
) -> core::result::Result<(), (Error, String, P)> {
    sent.map_err(|error| (error.kind(), error.to_string(), into_payload(error)))
}

impl Class for SendEndValue {
    const NAME: &'static CStr = c"viewchan.SendEnd";
    const DOC: &'static CStr =
        c"The end that sends. There may be many; when the last one is gone, the receiver gets what is \
inside, then ClosedError.\n\nSent through a channel or passed to another interpreter, it is copied: both ends work.";

    fn slots() -> Vec<ffi::PyType_Slot> {
        vec![
            methods!(SendEndValue {
                c"send", c"send($self, obj, timeout=None)\n--\n\nSend without copying; wait for space for at most `timeout` seconds, for \
            ever if None.\n\nRaises NotShareableError, ClosedError, TimeoutError." => send;
                c"send_nowait", c"send_nowait($self, obj)\n--\n\nSend if there is space now.\n\nRaises NotShareableError, ClosedError, \
            FullError." => send_nowait;
                c"clone", c"clone($self)\n--\n\nAnother send end of the same channel." => clone;
                c"close", c"close($self)\n--\n\nClose this end. Others of the same channel go on. Closing twice is fine." => close_send;
                c"shutdown", c"shutdown($self)\n--\n\nClose the channel for all its send ends. What is inside can still be \
            received." => shutdown;
                c"__enter__", c"__enter__($self)\n--\n\nThe end itself." => enter;
                c"__exit__", c"__exit__($self, *exc)\n--\n\nClose this end." => exit_send;
                c"__reduce_ex__", c"An end cannot be pickled." => refuse_pickle;
            }),
            properties!(SendEndValue {
                c"id", c"Identity of the channel: unique in the process, never used again." => send_id;
                c"strategy", c"How the channel shares." => send_strategy;
                c"closed", c"Whether this end was closed here. Says nothing of the other side." => send_closed;
                c"undelivered", c"What becomes of messages sent through this end whose owner ends before they are received: \
            'deliver', 'error' or 'remove'. Can be set." => get_undelivered, set_undelivered;
            }),
        ]
    }
}

fn send<'p>(context: &Context<'p>, _: Ref<'p>, end: &'p SendEndValue, args: Args<'p>) -> Result<Owned<'p>> {
    let [object, timeout] = args.bind("send", ["obj", "timeout"], 1)?;
    context.send(end, object.expect("required"), context.timeout(timeout)?.into())
}

fn send_nowait<'p>(context: &Context<'p>, _: Ref<'p>, end: &'p SendEndValue, args: Args<'p>) -> Result<Owned<'p>> {
    let [object] = args.bind("send_nowait", ["obj"], 1)?;
    context.send(end, object.expect("required"), Patience::Never)
}

fn clone<'p>(context: &Context<'p>, _: Ref<'p>, end: &'p SendEndValue, args: Args<'p>) -> Result<Owned<'p>> {
    let [] = args.bind("clone", [], 0)?;
    context.send_end(end.open(context)?)
}

fn close_send<'p>(context: &Context<'p>, _: Ref<'p>, end: &'p SendEndValue, args: Args<'p>) -> Result<Owned<'p>> {
    let [] = args.bind("close", [], 0)?;
    let closed = end.end.take();
    drop(closed);
    Ok(context.attached.none())
}

fn shutdown<'p>(context: &Context<'p>, _: Ref<'p>, end: &'p SendEndValue, args: Args<'p>) -> Result<Owned<'p>> {
    let [] = args.bind("shutdown", [], 0)?;
    if let Some(closed) = end.end.take() {
        closed.close();
    }
    Ok(context.attached.none())
}

fn enter<'p, T>(_: &Context<'p>, this: Ref<'p>, _: &T, _: Args<'p>) -> Result<Owned<'p>> {
    Ok(this.to_owned())
}

fn exit_send<'p>(context: &Context<'p>, _: Ref<'p>, end: &'p SendEndValue, _: Args<'p>) -> Result<Owned<'p>> {
    let closed = end.end.take();
    drop(closed);
    Ok(context.attached.none())
}

fn send_id<'p>(context: &Context<'p>, _: Ref<'p>, end: &'p SendEndValue) -> Result<Owned<'p>> {
    context.attached.int(end.id)
}

fn send_strategy<'p>(context: &Context<'p>, _: Ref<'p>, end: &'p SendEndValue) -> Result<Owned<'p>> {
    context.attached.str(end.strategy.name())
}

fn send_closed<'p>(context: &Context<'p>, _: Ref<'p>, end: &'p SendEndValue) -> Result<Owned<'p>> {
    Ok(context.attached.bool(end.end.borrow().is_none()))
}

fn get_undelivered<'p>(context: &Context<'p>, _: Ref<'p>, end: &'p SendEndValue) -> Result<Owned<'p>> {
    let policy = end.open(context)?.undelivered();
    let (name, _) = POLICIES.into_iter().find(|&(_, other)| other == policy).expect("all are listed");
    context.attached.str(name)
}

fn set_undelivered<'p>(
    context: &Context<'p>,
    _: Ref<'p>,
    end: &'p SendEndValue,
    policy: Option<Ref<'p>>,
) -> Result<()> {
    let Some(policy) = policy else {
        return Err(context.attached.raise_builtin(Builtin::Type, "undelivered cannot be deleted"));
    };
    let policy = context.word("undelivered", policy, &POLICIES)?;
    let mut other = end.open(context)?;
    other.set_undelivered(policy);
    let old = end.end.replace(Some(other));
    drop(old);
    Ok(())
}

impl Class for ReceiveEndValue {
    const NAME: &'static CStr = c"viewchan.ReceiveEnd";
    const DOC: &'static CStr =
        c"The end that receives. There is one: sent through a channel or passed to another interpreter, it \
moves there.\n\nClosed, or forgotten, it discards what is inside, and senders get ClosedError.";

    fn slots() -> Vec<ffi::PyType_Slot> {
        vec![
            slot(ffi::Py_tp_iter, ffi::PyObject_SelfIter as *mut _),
            slot(ffi::Py_tp_iternext, next as *mut _),
            methods!(ReceiveEndValue {
                c"recv", c"recv($self, timeout=None)\n--\n\nThe next message; wait for at most `timeout` seconds, for ever if None.\n\n\
            A buffer arrives as a read-only memoryview with its format, shape and strides. It is released when the last memoryview or slice \
            of it is gone or released.\n\nRaises ClosedError, TimeoutError, OwnerEndedError." => recv;
                c"recv_nowait", c"recv_nowait($self)\n--\n\nThe next message, if there is one.\n\nRaises ClosedError, EmptyError, \
            OwnerEndedError." => recv_nowait;
                c"recv_async", c"recv_async($self)\n--\n\nThe next message, for asyncio: waits for `fileno()`.\n\nRaises ClosedError, \
            OwnerEndedError." => recv_async;
                c"qsize", c"qsize($self)\n--\n\nNumber of messages inside, at this moment." => qsize;
                c"fileno", c"fileno($self)\n--\n\nA file descriptor that is readable exactly while `recv_nowait` would not raise \
            EmptyError.\n\nFor select and selectors. Do not read from it. It is closed with the end." => fileno;
                c"close", c"close($self)\n--\n\nClose the channel and discard what is inside. Closing twice is fine." => close_receive;
                c"__enter__", c"__enter__($self)\n--\n\nThe end itself." => enter;
                c"__exit__", c"__exit__($self, *exc)\n--\n\nClose." => exit_receive;
                c"__reduce_ex__", c"An end cannot be pickled." => refuse_pickle;
            }),
            properties!(ReceiveEndValue {
                c"id", c"Identity of the channel: unique in the process, never used again." => receive_id;
                c"strategy", c"How the channel shares." => receive_strategy;
                c"closed", c"Whether this end was closed or has moved away. Says nothing of the other side." => receive_closed;
            }),
        ]
    }
}

fn recv<'p>(context: &Context<'p>, _: Ref<'p>, end: &'p ReceiveEndValue, args: Args<'p>) -> Result<Owned<'p>> {
    let [timeout] = args.bind("recv", ["timeout"], 0)?;
    context.receive(end, context.timeout(timeout)?.into())
}

fn recv_nowait<'p>(context: &Context<'p>, _: Ref<'p>, end: &'p ReceiveEndValue, args: Args<'p>) -> Result<Owned<'p>> {
    let [] = args.bind("recv_nowait", [], 0)?;
    context.receive(end, Patience::Never)
}

fn recv_async<'p>(context: &Context<'p>, this: Ref<'p>, _: &'p ReceiveEndValue, args: Args<'p>) -> Result<Owned<'p>> {
    let [] = args.bind("recv_async", [], 0)?;
    let receive = context.attached.import(c"viewchan._aio")?.get().attribute(c"receive")?;
    receive.get().call(&context.attached.tuple([this.to_owned()])?, None)
}

fn qsize<'p>(context: &Context<'p>, _: Ref<'p>, end: &'p ReceiveEndValue, args: Args<'p>) -> Result<Owned<'p>> {
    let [] = args.bind("qsize", [], 0)?;
    context.attached.int(end.slot.open(context)?.len() as u64)
}

fn fileno<'p>(context: &Context<'p>, _: Ref<'p>, end: &'p ReceiveEndValue, args: Args<'p>) -> Result<Owned<'p>> {
    let [] = args.bind("fileno", [], 0)?;
    let fileno = end.slot.fileno(context)?;
    context.attached.int(u64::from(fileno.unsigned_abs()))
}

fn close_receive<'p>(context: &Context<'p>, _: Ref<'p>, end: &'p ReceiveEndValue, args: Args<'p>) -> Result<Owned<'p>> {
    let [] = args.bind("close", [], 0)?;
    end.slot.close();
    Ok(context.attached.none())
}

fn exit_receive<'p>(context: &Context<'p>, _: Ref<'p>, end: &'p ReceiveEndValue, _: Args<'p>) -> Result<Owned<'p>> {
    end.slot.close();
    Ok(context.attached.none())
}

fn receive_id<'p>(context: &Context<'p>, _: Ref<'p>, end: &'p ReceiveEndValue) -> Result<Owned<'p>> {
    context.attached.int(end.id)
}

fn receive_strategy<'p>(context: &Context<'p>, _: Ref<'p>, end: &'p ReceiveEndValue) -> Result<Owned<'p>> {
    context.attached.str(end.strategy.name())
}

fn receive_closed<'p>(context: &Context<'p>, _: Ref<'p>, end: &'p ReceiveEndValue) -> Result<Owned<'p>> {
    Ok(context.attached.bool(end.slot.is_empty()))
}

/// Iteration: until the channel is closed, passing over messages whose owner has ended.
unsafe extern "C" fn next(this: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: CPython asks an instance of the class, on a thread that is attached.
    unsafe {
        super::entry::method::<ReceiveEndValue>(this, |context, _, end| {
            loop {
                match context.receive(end, Patience::Forever) {
                    Err(Raised) if context.has_raised(Error::OwnerEnded) => context.attached.clear(),
                    Err(Raised) if context.has_raised(Error::Closed) && !end.slot.is_empty() => {
                        // Without an exception, null ends the iteration.
                        context.attached.clear();
                        return Err(Raised);
                    }
                    done => return done,
                }
            }
        })
    }
}
