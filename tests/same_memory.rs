//! No byte of a payload is copied on its way, whatever its size: its address stays what it was before the freeze, so what a
//! message costs does not depend on how much is in it.
//!
//! | where the bytes are read | how |
//! | --- | --- |
//! | at the sender | before the freeze, and after |
//! | at the receiver | in the view, in a clone and in a slice of it, in a slice of the slice |
//! | on one of its threads | in a local view, in a slice of it, in a view of that |
//! | at the sender again | after the thaw |
#![cfg(not(any(feature = "loom", feature = "shuttle")))]

mod common;

use common::watchdog;
use std::ptr;
use viewchan::channel::bounded_with;
use viewchan::strategy::{Deferred, Handover, Proxy, Shared, Strategy, View, epoch};
use viewchan::{Attached, Buffer, BufferMut, Interpreter, ReceiveEnd, SendEnd, View as ViewOf};

/// In bytes: a cache line, and more than any cache.
const SIZES: [usize; 2] = [64, 64 << 20];
/// What a slice leaves out at either end, in bytes.
const CUT: usize = 3;

/// Where bytes are: their address, and how many.
type Place = *const [u8];

/// What is left of a place when a slice leaves out `cut` bytes at either end.
fn inside(place: Place, cut: usize) -> Place {
    ptr::slice_from_raw_parts(place.cast::<u8>().wrapping_add(cut), place.len() - 2 * cut)
}

/// A buffer, and where its bytes were before it was one.
fn frozen(token: &Attached<'_>, size: usize) -> (Buffer, Place) {
    let mut bytes = BufferMut::zeroed(size);
    (bytes[0], bytes[size - 1]) = (1, 2);
    let place = ptr::from_ref(&bytes[..]);
    let buffer = bytes.freeze(token);
    assert!(ptr::eq(&*buffer, place), "frozen, they are elsewhere");
    (buffer, place)
}

/// A message goes from one interpreter to another; everything that can be made of it is of the same memory.
fn one_memory<S: Strategy<Interpreter>>() {
    let _watchdog = watchdog();
    for size in SIZES {
        let [owner, receiver] = [(); 2].map(|()| Interpreter::new());
        let (tx, rx): (SendEnd<Interpreter, S>, ReceiveEnd<Interpreter, S>) = bounded_with(1);
        let (kept, place) = owner.attach(|token| {
            let (buffer, place) = frozen(token, size);
            tx.send(token, buffer.clone_ref(token)).expect("the channel is open");
            (buffer, place)
        });
        receiver.attach(|_| {
            let view = rx.recv().expect("sent above").into_view().expect("a buffer was sent");
            views_are_of(view, place);
        });
        owner.attach(|token| {
            token.safepoint();
            let bytes = kept.try_thaw(token).expect("nobody has it any more");
            assert!(ptr::eq(&*bytes, place), "thawed, they are elsewhere");
        });
    }
}

fn views_are_of<S: Strategy<Interpreter>>(view: ViewOf<Interpreter, S>, place: Place) {
    assert!(ptr::eq(&*view, place), "the view is elsewhere");
    assert_eq!((view[0], view[view.len() - 1]), (1, 2));
    assert!(ptr::eq(&*view.clone(), place), "the clone is elsewhere");
    let slice = view.slice(CUT..view.len() - CUT);
    assert!(ptr::eq(&*slice, inside(place, CUT)), "the slice is elsewhere");
    let twice = slice.slice(CUT..slice.len() - CUT);
    assert!(ptr::eq(&*twice, inside(place, 2 * CUT)), "the slice of the slice is elsewhere");
    drop((slice, twice));
    let local = view.into_local();
    assert!(ptr::eq(&*local, place), "the local view is elsewhere");
    let slice = local.slice(CUT..local.len() - CUT);
    assert!(ptr::eq(&*slice, inside(place, CUT)), "the slice of the local view is elsewhere");
    assert!(ptr::eq(&*slice.to_view(), inside(place, CUT)), "the view of the local slice is elsewhere");
}

#[test]
fn one_memory_under_shared() {
    one_memory::<Shared>();
}

#[test]
fn one_memory_under_proxy() {
    one_memory::<Proxy>();
}

#[test]
fn one_memory_under_view() {
    one_memory::<View>();
}

#[test]
fn one_memory_under_handover() {
    one_memory::<Handover>();
}

#[test]
fn one_memory_under_deferred() {
    one_memory::<Deferred>();
}

/// What is published is read where it is.
#[test]
fn one_memory_under_epoch() {
    let _watchdog = watchdog();
    for size in SIZES {
        let owner = Interpreter::new();
        let (publisher, subscriber) = epoch::slot();
        let place = owner.attach(|token| {
            let (buffer, place) = frozen(token, size);
            publisher.publish(token, buffer).expect("the thread is in the owner");
            place
        });
        let reader = subscriber.reader();
        let reading = reader.read().expect("published above");
        assert!(ptr::eq(&*reading, place), "what is read is elsewhere");
    }
}
