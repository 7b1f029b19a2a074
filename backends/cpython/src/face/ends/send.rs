//! `SendEnd`.

use super::super::entry::{Classes, Context, Kept, Ours, methods, properties};
use super::super::view::refuse_pickle;
use super::{Error, POLICIES, Patience, SendEnd};
use crate::py::{Args, Builtin, Class, Owned, Ref, Result};
use crate::strategy::Strategy;
use core::cell::RefCell;
use core::ffi::CStr;
use pyo3_ffi as ffi;

/// A send end. A thread that waits has a clone.
pub(in super::super) struct SendEndValue {
    pub(super) end: RefCell<Option<SendEnd>>,
    pub(super) id: u64,
    pub(super) strategy: Strategy,
}

impl SendEndValue {
    pub(in super::super) fn open(&self, context: &Context<'_>) -> Result<SendEnd> {
        let end = self.end.borrow().clone();
        end.ok_or_else(|| context.raise(Error::Closed, "this send end has been closed"))
    }

    fn close(&self) {
        // Dropped when the cell is free again: others may look whether it is closed.
        let closed = self.end.take();
        drop(closed);
    }
}

impl Ours for SendEndValue {
    fn class(classes: &Classes) -> Kept {
        classes.send_end
    }
}

impl Class for SendEndValue {
    const NAME: &'static CStr = c"viewchan.SendEnd";
    const DOC: &'static CStr =
        c"The end that sends. There may be many; when the last one is gone, the receiver gets what is \
inside, then ClosedError.\n\nSent through a channel or passed to another interpreter, it is copied: both ends work.";

    fn slots() -> Vec<ffi::PyType_Slot> {
        vec![
            methods!(SendEndValue {
                c"send",
                    c"send($self, obj, timeout=None)\n--\n\nSend without copying; wait for space for at most \
                    `timeout` seconds, for ever if None.\n\nRaises NotShareableError, ClosedError, TimeoutError." => send;
                c"send_nowait",
                    c"send_nowait($self, obj)\n--\n\nSend if there is space now.\n\nRaises NotShareableError, \
                    ClosedError, FullError." => send_nowait;
                c"clone", c"clone($self)\n--\n\nAnother send end of the same channel." => clone;
                c"close",
                    c"close($self)\n--\n\nClose this end. Others of the same channel go on. Closing twice is \
                    fine." => close_send;
                c"shutdown",
                    c"shutdown($self)\n--\n\nClose the channel for all its send ends. What is inside can still be \
                    received." => shutdown;
                c"__enter__", c"__enter__($self)\n--\n\nThe end itself." => enter;
                c"__exit__", c"__exit__($self, *exc)\n--\n\nClose this end." => exit_send;
                c"__reduce_ex__", c"An end cannot be pickled." => refuse_pickle;
            }),
            properties!(SendEndValue {
                c"id", c"Identity of the channel: unique in the process, never used again." => send_id;
                c"strategy", c"How the channel shares." => send_strategy;
                c"closed", c"Whether this end was closed here. Says nothing of the other side." => send_closed;
                c"undelivered",
                    c"What becomes of messages sent through this end whose owner ends before they are received: \
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
    end.close();
    Ok(context.attached.none())
}

fn shutdown<'p>(context: &Context<'p>, _: Ref<'p>, end: &'p SendEndValue, args: Args<'p>) -> Result<Owned<'p>> {
    let [] = args.bind("shutdown", [], 0)?;
    if let Some(closed) = end.end.take() {
        closed.close();
    }
    Ok(context.attached.none())
}

pub(super) fn enter<'p, T>(_: &Context<'p>, this: Ref<'p>, _: &T, _: Args<'p>) -> Result<Owned<'p>> {
    Ok(this.to_owned())
}

fn exit_send<'p>(context: &Context<'p>, _: Ref<'p>, end: &'p SendEndValue, _: Args<'p>) -> Result<Owned<'p>> {
    end.close();
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
