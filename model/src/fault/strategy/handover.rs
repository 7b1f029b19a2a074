//! Broken variants of `handover`: built around the shipped one.

use super::flawed;
use std::marker::PhantomData;
use viewchan::runtime::Ended;
use viewchan::strategy::{Handover, Strategy, View};
use viewchan::{Attached, Buffer, Cause, Interpreter, Runtime};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// Nothing: the control.
    None,
    /// The message has no export: what is sent is the message of the strategy `view`.
    MessageWithoutExport,
    /// The message is opened in a visit to the owner.
    LockAtReceive,
}

flawed! {
    Handover;
    None "none",
    MessageWithoutExport "message-without-export",
    LockAtReceive "lock-at-receive",
}

/// `handover` with a flaw.
pub(super) struct Faulty<B>(PhantomData<B>);

/// What is sent, and what is received.
#[derive(Clone)]
pub(super) enum Either<H, V> {
    /// As in the strategy `handover`.
    Handover(H),
    /// As in the strategy `view`.
    View(V),
}

type Message = Either<<Handover as Strategy<Interpreter>>::Message, <View as Strategy<Interpreter>>::Message>;
type Pin = Either<<Handover as Strategy<Interpreter>>::Pin, <View as Strategy<Interpreter>>::Pin>;

impl<B: Broken> Strategy<Interpreter> for Faulty<B> {
    type Message = Message;
    type Pin = Pin;
    type Choice = ();

    fn pin((): (), token: &Attached<'_>, buffer: Buffer) -> Message {
        match B::FLAW {
            Flaw::MessageWithoutExport => Either::View(View::pin((), token, buffer)),
            _ => Either::Handover(Handover::pin((), token, buffer)),
        }
    }

    fn owner(message: &Message) -> &Interpreter {
        match message {
            Either::Handover(message) => <Handover as Strategy<Interpreter>>::owner(message),
            Either::View(message) => <View as Strategy<Interpreter>>::owner(message),
        }
    }

    fn withdraw(token: &Attached<'_>, message: Message) -> Buffer {
        match message {
            Either::Handover(message) => Handover::withdraw(token, message),
            Either::View(message) => View::withdraw(token, message),
        }
    }

    fn open(message: Message, home: Option<&Interpreter>) -> Result<Pin, Ended> {
        if B::FLAW == Flaw::LockAtReceive {
            // SAFETY: nothing is done inside.
            unsafe { Self::owner(&message).visit(Cause::ViewCreation, |_| ()) }?;
        }
        Ok(match message {
            Either::Handover(message) => Either::Handover(Handover::open(message, home)?),
            Either::View(message) => Either::View(View::open(message, home)?),
        })
    }
}

impl<H: AsRef<[u8]>, V: AsRef<[u8]>> AsRef<[u8]> for Either<H, V> {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Handover(pin) => pin.as_ref(),
            Self::View(pin) => pin.as_ref(),
        }
    }
}
