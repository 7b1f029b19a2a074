//! Views: no copy, no way to write, and a life as long as the last clone's.
#![cfg(not(any(feature = "loom", feature = "shuttle")))]

mod common;

use bytes::Bytes;
use common::{Drops, freeze, panic_message, recv, send, view_of, watchdog};
use std::ops::Bound;
use std::sync::mpsc;
use std::thread;
use viewchan::{Buffer, BufferMut, Interpreter, View, unbounded};

/// From the vector to the last slice the bytes stay at one address: nothing is copied.
#[test]
fn nothing_is_copied() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let bytes = b"zero copy".to_vec();
    let address = bytes.as_ptr();
    let view = view_of(&owner, |token| {
        let buffer = BufferMut::from(bytes).freeze(token);
        assert_eq!(buffer.as_ptr(), address);
        buffer
    });
    assert_eq!(view, "zero copy");
    assert_eq!(view.as_ptr(), address);
    assert_eq!(view.clone().as_ptr(), address);
    let slice = view.slice(5..);
    assert_eq!(slice.as_ptr(), address.wrapping_add(5));
    assert_eq!(slice.slice(2..).as_ptr(), address.wrapping_add(7));
    assert_eq!(slice, "copy");
    assert_ne!(slice, "COPY");
}

/// A foreign owner's bytes are not copied either.
#[test]
fn nothing_is_copied_from_a_foreign_owner() {
    let _watchdog = watchdog();
    let bytes = Bytes::from_static(b"foreign");
    let view = view_of(&Interpreter::new(), |token| Buffer::from_owner(token, bytes.clone()));
    assert_eq!(view.as_ptr(), bytes.as_ptr());
    assert_eq!(view, bytes);
}

/// One buffer sent twice makes two views of the same bytes, each with a life of its own.
#[test]
fn two_messages_of_one_buffer_share_its_bytes() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let drops = Drops::default();
    let (tx, rx) = unbounded();
    owner.attach(|token| {
        let buffer = drops.buffer(token, b"x");
        tx.send(token, buffer.clone_ref(token)).expect("the channel is open");
        tx.send(token, buffer).expect("the channel is open");
    });
    let (first, second) = (recv(&rx), recv(&rx));
    assert_eq!(first.as_ptr(), second.as_ptr());
    first.release();
    assert_eq!(second, "x");
    assert_eq!(drops.count(), 0);
    second.release();
    assert_eq!(drops.count(), 1);
}

/// A view slices like a slice, with every kind of bound, and so do its slices.
#[test]
fn a_view_slices_like_a_slice() {
    let _watchdog = watchdog();
    let bytes: Vec<u8> = (0..6).collect();
    let view = view_of(&Interpreter::new(), |token| freeze(token, &bytes));
    for from in 0..=bytes.len() {
        assert_eq!(view.slice(from..), bytes[from..]);
        assert_eq!(view.slice(..from), bytes[..from]);
        for to in from..=bytes.len() {
            let slice = view.slice(from..to);
            assert_eq!(slice, bytes[from..to]);
            for inner in 0..=slice.len() {
                assert_eq!(slice.slice(inner..), bytes[from + inner..to]);
            }
        }
    }
    assert_eq!(view.slice(..), bytes);
    assert_eq!(view.slice(1..=4), bytes[1..=4]);
    assert_eq!(view.slice(..=4), bytes[..=4]);
    assert_eq!(view.slice((Bound::Excluded(1), Bound::Included(4))), bytes[2..=4]);
}

/// A range beyond the view panics, also where a sum would overflow or the bytes behind a slice exist. Nothing is lost.
#[test]
#[expect(clippy::reversed_empty_ranges, reason = "that they are refused is the point")]
fn a_slice_beyond_the_view_panics() {
    let _watchdog = watchdog();
    let drops = Drops::default();
    let view = view_of(&Interpreter::new(), |token| drops.buffer(token, b"0123456789"));
    let slice = view.slice(2..8);
    for (from, to) in [(0, 7), (7, 7), (4, 3), (usize::MAX, 0), (0, usize::MAX), (usize::MAX, usize::MAX)] {
        let message = panic_message(|| slice.slice(from..to).release());
        assert_eq!(message, format!("the range {from}..{to} is not within a view of 6 bytes"));
    }
    panic_message(|| slice.slice(7..).release());
    panic_message(|| slice.slice(..=6).release());
    panic_message(|| slice.slice(3..=1).release());
    panic_message(|| slice.slice(..=usize::MAX).release());
    panic_message(|| slice.slice((Bound::Excluded(usize::MAX), Bound::Unbounded)).release());
    assert_eq!(slice, "234567");
    drop((view, slice));
    assert_eq!(drops.count(), 1);
}

/// No bytes are bytes too.
#[test]
fn an_empty_buffer_is_a_message() {
    let _watchdog = watchdog();
    let view = view_of(&Interpreter::new(), |token| BufferMut::zeroed(0).freeze(token));
    assert!(view.is_empty());
    assert!(view.slice(..).slice(0..0).is_empty());
}

/// The buffer is freed with the last clone, in whatever order they go, and exactly once; a slice is a clone (G3).
#[test]
fn the_last_clone_frees_the_buffer() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    for last in 0..3 {
        let drops = Drops::default();
        let view = view_of(&owner, |token| drops.buffer(token, b"abc"));
        let mut clones = [view.clone(), view.slice(1..2), view];
        clones.swap(2, last);
        for clone in clones {
            assert_eq!(drops.count(), 0);
            clone.release();
        }
        assert_eq!(drops.count(), 1);
    }
}

/// An owner's handle keeps the buffer as well: it is freed with whichever of view and handle goes last (G3).
#[test]
fn a_handle_and_a_view_each_keep_the_buffer() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    for handle_first in [true, false] {
        let drops = Drops::default();
        let (tx, rx) = unbounded();
        let handle = owner.attach(|token| {
            let buffer = drops.buffer(token, b"x");
            tx.send(token, buffer.clone_ref(token)).expect("the channel is open");
            buffer
        });
        let view = recv(&rx);
        if handle_first {
            drop(handle);
            assert_eq!((view.as_ref(), drops.count()), (&b"x"[..], 0));
            drop(view);
        } else {
            drop(view);
            assert_eq!((handle.as_ref(), drops.count()), (&b"x"[..], 0));
            drop(handle);
        }
        assert_eq!(drops.count(), 1);
    }
}

/// A view outlives the buffer's handles, both ends of the channel, the interpreter's handles and the sender's thread.
#[test]
fn a_view_outlives_everything_else() {
    let _watchdog = watchdog();
    let drops = Drops::default();
    let view = thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let owner = Interpreter::new();
            let (tx, rx) = unbounded();
            owner.attach(|token| tx.send(token, drops.buffer(token, b"still here"))).expect("the channel is open");
            recv(&rx)
        });
        sender.join().expect("no panic")
    });
    assert_eq!(view.slice(6..), "here");
    assert_eq!(drops.count(), 0);
    drop(view);
    assert_eq!(drops.count(), 1);
}

/// A view is released from wherever it is dropped: attached to nobody, to its receiver, to its owner, on another thread.
#[test]
fn a_view_is_released_from_anywhere() {
    let _watchdog = watchdog();
    let (owner, receiver) = (Interpreter::new(), Interpreter::new());
    let places: [(&str, &dyn Fn(View)); 4] = [
        ("attached to nobody", &|view| view.release()),
        ("attached to the receiver", &|view| receiver.attach(|_| view.release())),
        ("attached to the owner", &|view| owner.attach(|_| view.release())),
        ("on another thread", &|view| thread::spawn(|| view.release()).join().expect("no panic")),
    ];
    for (place, release) in places {
        let drops = Drops::default();
        release(view_of(&owner, |token| drops.buffer(token, b"x")));
        assert_eq!(drops.count(), 1, "{place}");
    }
}

/// A panic releases the views that it passes (G3).
#[test]
fn a_panic_releases_views() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let drops = Drops::default();
    let view = view_of(&owner, |token| drops.buffer(token, b"x"));
    let message = panic_message(|| {
        Interpreter::new().attach(|_| {
            let _view = view;
            panic!("while a view exists");
        });
    });
    assert_eq!(message, "while a view exists");
    assert_eq!(drops.count(), 1);
    owner.attach(|_| ());
}

/// Threads read, clone, slice and drop clones of one view at once; the buffer is freed once, with the last (G2, G3).
#[test]
fn threads_share_a_view() {
    const ROUNDS: usize = 100;
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let bytes: Vec<u8> = (0..=255).collect();
    let drops = Drops::default();
    for _ in 0..ROUNDS {
        let view = view_of(&owner, |token| drops.buffer(token, &bytes));
        thread::scope(|scope| {
            for part in 0..4 {
                let (view, bytes) = (view.clone(), &bytes);
                scope.spawn(move || {
                    let range = part * 64..(part + 1) * 64;
                    let slice = view.slice(range.clone());
                    drop(view);
                    assert_eq!(slice.clone(), bytes[range]);
                });
            }
            drop(view);
        });
    }
    assert_eq!(drops.count(), ROUNDS);
}

/// Views cross to a thread that knows no interpreter, while the sender goes on.
#[test]
fn views_are_passed_on_by_other_channels() {
    let _watchdog = watchdog();
    let owner = Interpreter::new();
    let (tx, rx) = unbounded();
    let (pass, passed) = mpsc::channel::<View>();
    thread::scope(|scope| {
        let reader = scope.spawn(move || passed.iter().map(|view| usize::from(view[0])).sum::<usize>());
        for byte in 0..100 {
            send(&owner, &tx, &[byte]);
            pass.send(recv(&rx)).expect("the reader listens");
        }
        drop(pass);
        assert_eq!(reader.join().expect("no panic"), 4950);
    });
}

/// A view can own the bytes of another interpreter's buffer, and so on. The last view lets go of the whole chain.
#[test]
fn a_view_is_the_owner_of_a_new_buffer() {
    let _watchdog = watchdog();
    const LINKS: usize = 10;
    let drops = Drops::default();
    let mut view = view_of(&Interpreter::new(), |token| drops.buffer(token, b"relay"));
    let address = view.as_ptr();
    for _ in 0..LINKS {
        view = view_of(&Interpreter::new(), |token| Buffer::from_owner(token, view));
    }
    assert_eq!(view, "relay");
    assert_eq!(view.as_ptr(), address);
    assert_eq!(drops.count(), 0);
    drop(view);
    assert_eq!(drops.count(), 1);
}

/// A buffer whose owner is a view is released into two interpreters, one after the other, by a thread of a third. None of
/// the locks is kept (G4).
#[test]
fn a_chain_is_released_link_by_link() {
    let _watchdog = watchdog();
    let [first, second, third] = [(); 3].map(|()| Interpreter::new());
    let drops = Drops::default();
    let view = view_of(&first, |token| drops.buffer(token, b"x"));
    let view = view_of(&second, |token| Buffer::from_owner(token, view));
    third.attach(|_| view.release());
    assert_eq!(drops.count(), 1);
    for interpreter in [first, second, third] {
        interpreter.attach(|_| ());
    }
}

/// `bytes::Bytes` takes a view as its owner: code that knows only `Bytes` reads the sender's memory.
#[test]
fn bytes_takes_a_view_as_its_owner() {
    let _watchdog = watchdog();
    let drops = Drops::default();
    let view = view_of(&Interpreter::new(), |token| drops.buffer(token, b"head body"));
    let address = view.as_ptr();
    let mut bytes = Bytes::from_owner(view);
    assert_eq!(bytes.as_ptr(), address);
    let head = bytes.split_to(5);
    drop(bytes);
    assert_eq!((&head[..], drops.count()), (&b"head "[..], 0));
    drop(head);
    assert_eq!(drops.count(), 1);
}

/// Debug output names the length and shows no content.
#[test]
fn debug_output_is_short() {
    let _watchdog = watchdog();
    let view = view_of(&Interpreter::new(), |token| freeze(token, b"secret"));
    assert_eq!(format!("{view:?}"), "View { len: 6, .. }");
}
