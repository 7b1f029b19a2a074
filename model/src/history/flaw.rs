//! A channel with a mistake, around one that has none: the check must refuse what comes of it.

use super::{Answer, Plan, ReceiveSide, SendSide, Subject};
use crate::scenario::Patience;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The second message overtakes the first, once.
    Overtakes,
    /// The first message is received twice.
    DeliversTwice,
    /// Closing the send side loses the next message.
    LosesAtClose,
    /// A receive takes a message when its deadline passes, and says that there was none.
    TimesOutWithMessage,
    /// A message is received although the channel was shut before.
    ReceivesAfterShut,
    /// A send without patience says that there is no space, and has sent all the same.
    SendsAndRefuses,
    /// A clone of a send end that is dropped closes the channel.
    CloneCloses,
}

impl Flaw {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Overtakes,
        Self::DeliversTwice,
        Self::LosesAtClose,
        Self::TimesOutWithMessage,
        Self::ReceivesAfterShut,
        Self::SendsAndRefuses,
        Self::CloneCloses,
    ];
}

/// A channel with a mistake.
pub struct Flawed<U> {
    inner: U,
    flaw: Flaw,
}

impl<U> Flawed<U> {
    /// Puts the mistake into a channel.
    pub fn new(inner: U, flaw: Flaw) -> Self {
        Self { inner, flaw }
    }
}

/// What the ends of a flawed channel share.
#[derive(Default)]
struct Memory {
    /// A number that is received next, in place of what the channel has.
    next: Option<u8>,
    /// The mistake is made once.
    was_made: bool,
    /// The send side was closed.
    is_closed: bool,
}

fn lock(memory: &Mutex<Memory>) -> MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<U: Subject> Subject for Flawed<U> {
    type Send = FlawedSend<U::Send>;
    type Receive = FlawedReceive<U::Receive>;

    fn open(&mut self, plan: &Plan) -> (Vec<Self::Send>, Vec<Self::Receive>) {
        let memory = Arc::new(Mutex::default());
        let (senders, receivers) = self.inner.open(plan);
        let senders = senders.into_iter().map(|inner| FlawedSend {
            inner: Some(inner),
            is_clone: false,
            flaw: self.flaw,
            memory: Arc::clone(&memory),
        });
        let receivers =
            receivers.into_iter().map(|inner| FlawedReceive { inner, flaw: self.flaw, memory: Arc::clone(&memory) });
        (senders.collect(), receivers.collect())
    }

    fn close(self) -> Result<(), String> {
        self.inner.close()
    }
}

/// A send end of a flawed channel.
pub struct FlawedSend<E: SendSide> {
    /// `None` once it was closed.
    inner: Option<E>,
    is_clone: bool,
    flaw: Flaw,
    memory: Arc<Mutex<Memory>>,
}

impl<E: SendSide> FlawedSend<E> {
    fn inner(&self) -> &E {
        self.inner.as_ref().expect("an end is closed as the last thing")
    }
}

impl<E: SendSide> SendSide for FlawedSend<E> {
    fn send(&self, number: u8, patience: Patience) -> Answer {
        match self.inner().send(number, patience) {
            Answer::Sent if self.flaw == Flaw::SendsAndRefuses && patience == Patience::Never => Answer::NotReady,
            answer => answer,
        }
    }

    fn duplicate(&self) -> Self {
        let inner = Some(self.inner().duplicate());
        Self { inner, is_clone: true, flaw: self.flaw, memory: Arc::clone(&self.memory) }
    }

    fn close(mut self) {
        lock(&self.memory).is_closed = true;
        self.inner.take().into_iter().for_each(E::close);
    }
}

impl<E: SendSide> Drop for FlawedSend<E> {
    fn drop(&mut self) {
        if self.flaw == Flaw::CloneCloses && self.is_clone {
            self.inner.take().into_iter().for_each(E::close);
        }
    }
}

/// A share of the receive end of a flawed channel.
pub struct FlawedReceive<E> {
    inner: E,
    flaw: Flaw,
    memory: Arc<Mutex<Memory>>,
}

impl<E: ReceiveSide> FlawedReceive<E> {
    /// Whether the mistake is to be made now: once only.
    fn makes(&self, flaw: Flaw) -> bool {
        self.flaw == flaw && !std::mem::replace(&mut lock(&self.memory).was_made, true)
    }
}

impl<E: ReceiveSide> ReceiveSide for FlawedReceive<E> {
    fn receive(&mut self, patience: Patience) -> Answer {
        if let Some(next) = lock(&self.memory).next.take() {
            return Answer::Received(next);
        }
        if self.flaw == Flaw::LosesAtClose && lock(&self.memory).is_closed && self.makes(Flaw::LosesAtClose) {
            self.inner.receive(Patience::Never);
        }
        let answer = self.inner.receive(patience);
        let Answer::Received(number) = answer else { return answer };
        if self.flaw == Flaw::TimesOutWithMessage && patience == Patience::Deadline {
            return Answer::TimedOut;
        }
        if self.makes(Flaw::DeliversTwice) {
            lock(&self.memory).next = Some(number);
        }
        if self.makes(Flaw::Overtakes)
            && let Answer::Received(second) = self.inner.receive(Patience::Never)
        {
            lock(&self.memory).next = Some(number);
            return Answer::Received(second);
        }
        answer
    }

    fn count(&self) -> usize {
        self.inner.count()
    }

    fn shut(&mut self) {
        if self.flaw == Flaw::ReceivesAfterShut
            && let Answer::Received(number) = self.inner.receive(Patience::Never)
        {
            lock(&self.memory).next = Some(number);
        }
        self.inner.shut();
    }
}
