//! Mistakes with real memory, on the real code, that loom does not see: it watches its own cells, not what lies below. Each of
//! these models passes under loom, and memcheck must refuse it: `.ci/sanitize valgrind` shows that. They misuse memory, so they
//! run only when asked for.
#![cfg(feature = "loom")]

#[path = "common/model.rs"]
mod model;

use loom::thread;
use std::hint::black_box;
use std::mem;
use std::ptr;
use viewchan::{BufferMut, Interpreter, unbounded};

fn explore(model: impl Fn() + Send + Sync + 'static) {
    model::explore(None, false, model);
}

/// Where bytes of a view were that another thread has received and released.
fn released() -> usize {
    let (tx, rx) = unbounded();
    let owner = Interpreter::new();
    owner.attach(|token| tx.send(token, BufferMut::zeroed(64).freeze(token)).expect("the channel is open"));
    let receiver = thread::spawn(move || {
        let view = rx.recv().expect("a message is there").into_view().expect("it is a buffer");
        let bytes: &[u8] = view.as_ref();
        // Not the first of them, where the allocator keeps something once they are freed.
        bytes[32..].as_ptr().expose_provenance()
    });
    receiver.join().expect("the receiver does not panic")
}

#[test]
#[ignore = "reads what was freed: for memcheck"]
fn read_after_release() {
    explore(|| {
        let place = ptr::with_exposed_provenance::<u8>(released());
        // SAFETY: none. This is the mistake.
        let byte = unsafe { ptr::read_volatile(place) };
        black_box(byte);
    });
}

#[test]
#[ignore = "writes to what was freed: for memcheck"]
fn write_after_release() {
    explore(|| {
        let place = ptr::with_exposed_provenance_mut::<u8>(released());
        // SAFETY: none. This is the mistake.
        unsafe { ptr::write_volatile(place, 1) }
    });
}

#[test]
#[ignore = "leaks an interpreter: for memcheck"]
fn interpreter_leaked() {
    explore(|| mem::forget(Interpreter::new()));
}
