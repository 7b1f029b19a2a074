//! `ReceiveEnd`.

use super::super::claim::Slot;
use super::super::entry::{Classes, Context, Kept, Ours, method, methods, properties};
use super::super::view::refuse_pickle;
use super::send::enter;
use super::{Error, Patience};
use crate::py::{Args, Class, Owned, Raised, Ref, Result, slot};
use crate::strategy::Strategy;
use core::ffi::CStr;
use pyo3_ffi as ffi;
use std::sync::Arc;

/// A receive end. It may move away, to another interpreter or through a channel.
pub(in super::super) struct ReceiveEndValue {
    pub(in super::super) slot: Arc<Slot>,
    pub(super) id: u64,
    pub(super) strategy: Strategy,
}

impl Ours for ReceiveEndValue {
    fn class(classes: &Classes) -> Kept {
        classes.receive_end
    }
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
                c"recv",
                    c"recv($self, timeout=None)\n--\n\nThe next message; wait for at most `timeout` seconds, for \
                    ever if None.\n\nA buffer arrives as a read-only memoryview with its format, shape and \
                    strides. It is released when the last memoryview or slice of it is gone or \
                    released.\n\nRaises ClosedError, TimeoutError, OwnerEndedError." => recv;
                c"recv_nowait",
                    c"recv_nowait($self)\n--\n\nThe next message, if there is one.\n\nRaises ClosedError, \
                    EmptyError, OwnerEndedError." => recv_nowait;
                c"recv_async",
                    c"recv_async($self)\n--\n\nThe next message, for asyncio: waits for `fileno()`.\n\nRaises \
                    ClosedError, OwnerEndedError." => recv_async;
                c"qsize", c"qsize($self)\n--\n\nNumber of messages inside, at this moment." => qsize;
                c"fileno",
                    c"fileno($self)\n--\n\nA file descriptor that is readable exactly while `recv_nowait` would \
                    not raise EmptyError.\n\nFor select and selectors. Do not read from it. It is closed with the \
                    end." => fileno;
                c"close",
                    c"close($self)\n--\n\nClose the channel and discard what is inside. Closing twice is fine." => close_receive;
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
        method::<ReceiveEndValue>(this, |context, _, end| {
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
