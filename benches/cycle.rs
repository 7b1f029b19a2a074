//! What one message costs, beside the floors that it stands on: `cargo bench`.
//!
//! Compare within one run only, and as ratios: machines are noisy, and the *unit* is an uncontended attach.

use criterion::{BatchSize, Criterion, criterion_group};
use std::hint::black_box;
use std::sync::Arc;
use viewchan::{Buffer, BufferMut, Interpreter, View, unbounded};

/// A view of `len` bytes, and its owner with the handle that is left.
fn received(len: usize) -> (Interpreter, Buffer, View) {
    let owner = Interpreter::new();
    let (tx, rx) = unbounded();
    let handle = owner.attach(|token| {
        let handle = BufferMut::zeroed(len).freeze(token);
        tx.send(token, handle.clone_ref(token)).expect("the channel is open");
        handle
    });
    let view = rx.recv().expect("sent above").into_view().expect("a buffer was sent");
    (owner, handle, view)
}

/// The unit, and an `Arc`'s clone and drop.
fn floors(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("floors");
    let interpreter = Interpreter::new();
    group.bench_function("attach (the unit)", |bencher| bencher.iter(|| interpreter.attach(|_| black_box(()))));
    let arc = Arc::new([0_u8; 64]);
    group.bench_function("Arc clone + drop", |bencher| bencher.iter(|| black_box(Arc::clone(&arc))));
    group.finish();
}

/// What a receiver does with a view that it holds: no lock.
fn held(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("held view");
    let (_owner, _handle, view) = received(64);
    group.bench_function("clone + drop", |bencher| bencher.iter(|| black_box(view.clone())));
    group.bench_function("slice + drop", |bencher| bencher.iter(|| black_box(view.slice(1..63))));
    group.finish();
}

/// Receive and release with an idle owner, by a thread that is attached to its own interpreter. The size of the message
/// does not matter: no byte is copied.
fn cycle(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("receive + release");
    for (name, len) in [("64 B", 64), ("64 MiB", 64 << 20)] {
        let (owner, handle, _view) = received(len);
        let (tx, rx) = unbounded();
        let send = || {
            owner.attach(|token| tx.send(token, handle.clone_ref(token))).expect("the channel is open");
        };
        let receiver = Interpreter::new();
        group.bench_function(name, |bencher| {
            bencher.iter_batched(send, |()| receiver.attach(|_| drop(rx.recv())), BatchSize::NumIterations(64));
        });
    }
    group.finish();
}

criterion_group!(benches, floors, held, cycle);

/// Under loom there is nothing to time.
fn main() {
    if viewchan::sync::BACKEND == "std" {
        benches();
        Criterion::default().configure_from_args().final_summary();
    } else {
        eprintln!("this is a build with the backend {}: nothing to time", viewchan::sync::BACKEND);
    }
}
