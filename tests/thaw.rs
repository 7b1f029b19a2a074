//! From writable bytes to a buffer and back, and owners of bytes that misbehave.
#![cfg(not(any(feature = "loom", feature = "shuttle")))]

mod common;

use common::{Drops, freeze, panic_message, recv, try_recv, view_of, watchdog};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use viewchan::strategy::{Deferred, Handover, Strategy};
use viewchan::{Buffer, BufferMut, Interpreter, SendEnd, ThawError, View, unbounded};

/// A sole handle is made writable in place: same address, same content; and can be frozen again.
#[test]
fn a_sole_handle_thaws_in_place() {
    let _watchdog = watchdog();
    Interpreter::new().attach(|token| {
        let buffer = freeze(token, b"cold");
        let address = buffer.as_ptr();
        let mut bytes = buffer.try_thaw(token).expect("this handle is all there is");
        assert_eq!(bytes.as_ptr(), address);
        bytes[0] = b'b';
        let buffer = bytes.freeze(token);
        assert_eq!((&buffer[..], buffer.as_ptr()), (&b"bold"[..], address));
    });
}

/// A vector with room to spare comes back as it went in, and its room can be used.
#[test]
fn a_vector_keeps_its_capacity() {
    let _watchdog = watchdog();
    Interpreter::new().attach(|token| {
        let mut bytes = Vec::with_capacity(64);
        bytes.push(1);
        let (address, capacity) = (bytes.as_ptr(), bytes.capacity());
        let thawed = BufferMut::from(bytes).freeze(token).try_thaw(token).expect("this handle is all there is");
        let mut bytes = Vec::from(thawed);
        bytes.push(2);
        assert_eq!((bytes.as_ptr(), bytes.capacity(), &bytes[..]), (address, capacity, &[1, 2][..]));
    });
}

/// Whatever else refers to the bytes forbids the thaw, the handle comes back each time, and once all is gone it succeeds
/// (G2): another handle, a message in flight, a view, a slice of it.
#[test]
fn a_thaw_waits_for_everybody_else() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let (tx, rx) = unbounded();
    owner.attach(|token| {
        let buffer = freeze(token, b"x");
        let address = buffer.as_ptr();
        let assert_in_use = |buffer: Buffer| {
            let Err(ThawError::InUse(buffer)) = buffer.try_thaw(token) else { panic!("it is in use") };
            assert_eq!((&buffer[..], buffer.as_ptr()), (&b"x"[..], address));
            buffer
        };
        let other = buffer.clone_ref(token);
        let buffer = assert_in_use(buffer);
        tx.send(token, other).expect("the channel is open");
        let buffer = assert_in_use(buffer);
        let view = try_recv(&rx);
        let buffer = assert_in_use(buffer);
        let slice = view.slice(..0);
        drop(view);
        let buffer = assert_in_use(buffer);
        drop(slice);
        let bytes = buffer.try_thaw(token).expect("this handle is all there is");
        assert_eq!(bytes.as_ptr(), address);
    });
}

/// A message that is discarded, or comes back from a send, no longer forbids the thaw.
#[test]
fn a_thaw_succeeds_after_a_message_is_discarded() {
    let _watchdog = watchdog();
    Interpreter::new().attach(|token| {
        let (tx, rx) = unbounded();
        let buffer = freeze(token, b"x");
        tx.send(token, buffer.clone_ref(token)).expect("the channel is open");
        let buffer = buffer.try_thaw(token).expect_err("a message is in flight").into_inner();
        drop(rx);
        drop(tx.send(token, buffer.clone_ref(token)).expect_err("the channel is closed"));
        buffer.try_thaw(token).expect("this handle is all there is");
    });
}

/// A view that another thread still reads forbids the thaw until that thread has released it; what is written afterwards
/// is written after all it read (G2).
#[test]
fn a_thaw_succeeds_once_a_reader_is_done() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let (tx, rx) = unbounded();
    thread::scope(|scope| {
        scope.spawn(|| {
            let view = recv(&rx);
            assert!(view.len() == 4096 && view.iter().all(|&byte| byte == 0));
        });
        owner.attach(|token| {
            let mut buffer = BufferMut::zeroed(4096).freeze(token);
            tx.send(token, buffer.clone_ref(token)).expect("the channel is open");
            let mut bytes = loop {
                match buffer.try_thaw(token) {
                    Ok(bytes) => break bytes,
                    Err(in_use) => buffer = in_use.into_inner(),
                }
                token.safepoint();
            };
            bytes.fill(1);
        });
    });
}

/// Bytes that a foreign owner lends are never writable; in use or not, the handle comes back.
#[test]
fn foreign_bytes_do_not_thaw() {
    let _watchdog = watchdog();
    let drops = Drops::default();
    Interpreter::new().attach(|token| {
        let buffer = drops.buffer(token, b"lent");
        let other = buffer.clone_ref(token);
        let Err(ThawError::InUse(buffer)) = buffer.try_thaw(token) else { panic!("another handle exists") };
        drop(other);
        let Err(ThawError::Foreign(buffer)) = buffer.try_thaw(token) else { panic!("the bytes are foreign") };
        assert_eq!((&buffer[..], drops.count()), (&b"lent"[..], 0));
    });
    assert_eq!(drops.count(), 1);
}

/// To clone or thaw under another interpreter's token is a mistake in the program. The buffer is freed all the same.
#[test]
fn a_foreign_token_panics() {
    let _watchdog = watchdog();
    let [owner, other] = [(); 2].map(|()| Interpreter::new());
    let drops = Drops::default();
    let buffer = owner.attach(|token| drops.buffer(token, b"x"));
    other.attach(|token| {
        let wrong = "the thread is attached to";
        assert!(panic_message(|| drop(buffer.clone_ref(token))).contains(wrong));
        assert!(panic_message(|| drop(buffer.try_thaw(token))).contains(wrong));
    });
    assert_eq!(drops.count(), 1);
}

/// A strategy's functions are safe: they do not take the caller's word for whose token it is.
#[test]
fn a_foreign_token_pins_and_withdraws_nothing() {
    fn refused<S: Strategy<Interpreter>>() {
        let [owner, other] = [(); 2].map(|()| Interpreter::new());
        let drops = Drops::default();
        let (buffer, message) = owner.attach(|token| {
            let buffer = drops.buffer(token, b"x");
            let message = S::pin(S::Choice::default(), token, buffer.clone_ref(token));
            (buffer, message)
        });
        other.attach(|token| {
            let wrong = "the thread is attached to";
            assert!(panic_message(|| drop(S::pin(S::Choice::default(), token, buffer))).contains(wrong));
            assert!(panic_message(|| drop(S::withdraw(token, message))).contains(wrong));
        });
        assert_eq!(drops.count(), 1);
    }
    let _watchdog = watchdog();
    refused::<Handover>();
    refused::<Deferred>();
}

/// An owner of bytes whose drop panics.
struct PanicsOnDrop;

impl AsRef<[u8]> for PanicsOnDrop {
    fn as_ref(&self) -> &[u8] {
        b"x"
    }
}

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        panic!("the owner of the bytes panics");
    }
}

/// A panic of a foreign owner in its drop ends there. Whoever frees the buffer goes on, where it was, with the locks that it
/// had; the interpreter's lock is released.
#[test]
fn a_panic_in_an_owners_drop_goes_no_further() {
    let _watchdog = watchdog();
    let [owner, receiver] = [(); 2].map(|()| Interpreter::new());
    let frees: [&dyn Fn(View); 3] = [&|view| view.release(), &|view| owner.attach(|_| view.release()), &|view| {
        receiver.attach(|token| {
            view.release();
            freeze(token, b"the receiver's lock is held again").try_thaw(token).expect("this is all there is");
        });
    }];
    for free in frees {
        free(view_of(&owner, |token| Buffer::from_owner(token, PanicsOnDrop)));
        for interpreter in [&owner, &receiver] {
            thread::scope(|scope| scope.spawn(|| interpreter.attach(|_| ())).join().expect("the lock is free"));
        }
    }
}

/// If a discarded message's owner panics in its drop, the messages behind it are freed all the same (G3).
#[test]
fn a_panic_in_an_owners_drop_discards_the_others() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let drops = Drops::default();
    let (tx, rx) = unbounded();
    owner.attach(|token| {
        for buffer in [drops.buffer(token, b"x"), Buffer::from_owner(token, PanicsOnDrop), drops.buffer(token, b"x")] {
            tx.send(token, buffer).expect("the channel is open");
        }
    });
    drop(rx);
    assert_eq!(drops.count(), 2);
    owner.attach(|_| ());
}

/// Bytes whose owner holds an end of a channel: dropping that end takes the channel's lock.
struct HoldsEnd(#[expect(dead_code, reason = "dropped with it")] SendEnd);

impl AsRef<[u8]> for HoldsEnd {
    fn as_ref(&self) -> &[u8] {
        b"x"
    }
}

/// Messages are discarded under no channel's lock: their owners may use the very channel in their drops (G4).
#[test]
fn an_owner_may_use_the_channel_in_its_drop() {
    let _watchdog = watchdog();
    let (tx, rx) = unbounded();
    Interpreter::new().attach(|token| {
        let buffer = Buffer::from_owner(token, HoldsEnd(tx.clone()));
        tx.send(token, buffer).expect("the channel is open");
    });
    drop(rx);
}

/// An owner of bytes whose `as_ref` panics, in a box whose drop is counted.
struct PanicsOnRead(#[expect(dead_code, reason = "dropped with it")] common::Witness);

impl AsRef<[u8]> for PanicsOnRead {
    fn as_ref(&self) -> &[u8] {
        panic!("the owner has no bytes");
    }
}

/// An owner that panics when asked for its bytes makes no buffer, and is dropped.
#[test]
fn a_panic_in_as_ref_makes_no_buffer() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let drops = Drops::default();
    let message = panic_message(|| {
        owner.attach(|token| drop(Buffer::from_owner(token, PanicsOnRead(drops.witness(b"x")))));
    });
    assert_eq!(message, "the owner has no bytes");
    assert_eq!(drops.count(), 1);
    owner.attach(|_| ());
}

/// An owner that shows other bytes, of another length, each time it is asked.
struct Fickle {
    asked: AtomicUsize,
}

impl AsRef<[u8]> for Fickle {
    fn as_ref(&self) -> &[u8] {
        let answers: [&[u8]; 2] = [b"the first answer", b""];
        answers[self.asked.fetch_add(1, Ordering::Relaxed).min(1)]
    }
}

/// An owner is asked once: handle, view and slices all show its first answer.
#[test]
fn a_fickle_owner_is_asked_once() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let (tx, rx) = unbounded();
    let handle = owner.attach(|token| {
        let handle = Buffer::from_owner(token, Fickle { asked: AtomicUsize::new(0) });
        tx.send(token, handle.clone_ref(token)).expect("the channel is open");
        handle
    });
    let view = recv(&rx);
    assert_eq!(view, "the first answer");
    assert_eq!(view.slice(4..9), "first");
    assert_eq!(handle[..], *view);
    assert_eq!(handle.as_ptr(), view.as_ptr());
}

/// Bytes that live inside their owner, not behind a pointer, stay where they were when first asked for.
#[test]
fn bytes_inside_their_owner_stay_put() {
    let _watchdog = watchdog();
    let view = view_of(&Interpreter::new(), |token| Buffer::from_owner(token, *b"inline"));
    let read_elsewhere = |view: View| view.to_vec();
    assert_eq!(read_elsewhere(view.clone()), b"inline");
    assert_eq!(view, "inline");
}
