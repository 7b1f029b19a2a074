//! Several receivers at once: what one operation costs with that many, against one of them alone.
//!
//! A cost is processor time: with more threads than cores, the time that passed, times the cores that were busy.

use super::single::buffer;
use super::{Goal, Row, Work, receiver_in_batches, stay_on_a_core};
use crossbeam_epoch::Collector;
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use viewchan::strategy::{Deferred, Strategy, epoch};
use viewchan::{Buffer, Interpreter, View, unbounded};

/// Many reads of one payload of this size are not in any cache.
const LARGE: usize = 64 << 20;

/// Messages of a round, for each receiver: few enough for a core's own caches, else memory is measured; enough for the start of
/// the threads to be little of it.
const ROUND: u64 = 16384;

/// Each of `count` threads does what `prepare` made for it so many times, all at once. What one of these cost, of a core's time.
fn together<J: FnMut(u64)>(count: usize, times: u64, prepare: impl Fn() -> J + Sync) -> Duration {
    let ready = AtomicUsize::new(0);
    let slowest = thread::scope(|scope| {
        let (ready, prepare) = (&ready, &prepare);
        let threads: Vec<_> = (0..count)
            .map(|index| {
                scope.spawn(move || {
                    if count == 2 {
                        stay_on_a_core(index == 0);
                    }
                    let mut job = prepare();
                    // Nobody sleeps until all are there: to be woken takes as long as a good part of a round.
                    ready.fetch_add(1, Ordering::Relaxed);
                    while ready.load(Ordering::Relaxed) < count {
                        thread::yield_now();
                    }
                    let start = Instant::now();
                    job(times);
                    (start, Instant::now())
                })
            })
            .collect();
        let spans: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("no thread panics")).collect();
        let first = spans.iter().map(|span| span.0).min().expect("there are threads");
        let last = spans.iter().map(|span| span.1).max().expect("there are threads");
        last - first
    });
    let cores = thread::available_parallelism().map_or(1, usize::from);
    // Threads that have a core each ran all the time; more threads than cores shared them.
    slowest.mul_f64(cores.min(count) as f64 / count as f64)
}

/// Open and release messages of one buffer, each receiver in an interpreter of its own, in batches, in rounds. Another thread is in
/// the owner meanwhile, as long as a round takes, and makes and collects what goes round in between: receivers do no errand.
pub(crate) fn released(name: &'static str, receivers: usize) -> Work {
    let (owner, buffer) = buffer(64);
    let round = move || {
        owner.attach(|token| {
            let pin = |_| Deferred::pin((), token, buffer.clone_ref(token));
            let hands = (0..receivers).map(|_| (0..ROUND).map(pin).collect::<Vec<_>>()).collect();
            let hands: Mutex<Vec<_>> = Mutex::new(hands);
            together(receivers, ROUND, || {
                let mut messages = hands.lock().expect("nobody panics").pop();
                let home = receiver_in_batches();
                move |_| {
                    home.attach(|_| {
                        for message in messages.take().into_iter().flatten() {
                            drop(black_box(Deferred::open(message, Some(&home))));
                        }
                    });
                }
            })
        })
    };
    Work::new(name, move |times| {
        let rounds = times.div_ceil(ROUND);
        let took: Duration = (0..rounds).map(|_| round()).sum();
        took.mul_f64(times as f64 / (rounds * ROUND) as f64)
    })
}

pub(crate) fn arcs_dropped(name: &'static str, receivers: usize) -> Work {
    let arc = Arc::new([0_u8; 64]);
    Work::new(name, move |times| {
        together(receivers, times, || {
            let arc = &arc;
            move |times| (0..times).for_each(|_| drop(black_box(Arc::clone(arc))))
        })
    })
}

/// Readers of one slot.
pub(crate) fn epoch_readers(name: &'static str, readers: usize) -> Work {
    let (owner, buffer) = buffer(64);
    let (publisher, subscriber) = epoch::slot();
    owner.attach(|token| publisher.publish(token, buffer).expect("the publisher is its owner's"));
    Work::new(name, move |times| {
        let _publisher = &publisher;
        together(readers, times, || {
            let reader = subscriber.reader();
            move |times| {
                for _ in 0..times {
                    black_box(reader.read().expect("published above")[0]);
                }
            }
        })
    })
}

pub(crate) fn epoch_pins(name: &'static str, readers: usize) -> Work {
    let collector = Collector::new();
    Work::new(name, move |times| {
        together(readers, times, || {
            let handle = collector.register();
            move |times| (0..times).for_each(|_| drop(black_box(handle.pin())))
        })
    })
}

/// A view for each reader, received by itself.
fn received(owner: &Interpreter, buffer: &Buffer) -> View {
    let (send, receive) = unbounded();
    owner.attach(|token| send.send(token, buffer.clone_ref(token))).expect("the channel is open");
    receive.recv().expect("sent above").into_view().expect("a buffer was sent")
}

/// Adds all bytes up, in words.
fn sum(bytes: &[u8]) -> u64 {
    let (words, _) = bytes.as_chunks::<8>();
    words.iter().fold(0, |sum, word| sum.wrapping_add(u64::from_le_bytes(*word)))
}

fn views_read(name: &'static str, readers: usize) -> Work {
    let (owner, buffer) = buffer(LARGE);
    Work::new(name, move |times| {
        together(readers, times, || {
            let view = received(&owner, &buffer);
            move |times| {
                for _ in 0..times {
                    black_box(sum(&view));
                }
            }
        })
    })
}

fn slices_read(name: &'static str, readers: usize) -> Work {
    let bytes = vec![1; LARGE];
    Work::new(name, move |times| {
        together(readers, times, || {
            let bytes = &bytes[..];
            move |times| {
                for _ in 0..times {
                    black_box(sum(black_box(bytes)));
                }
            }
        })
    })
}

fn views_cloned(name: &'static str, readers: usize) -> Work {
    let (owner, buffer) = buffer(LARGE);
    Work::new(name, move |times| {
        together(readers, times, || {
            let view = received(&owner, &buffer);
            move |times| (0..times).for_each(|_| drop(black_box(view.clone())))
        })
    })
}

pub(crate) fn rows() -> Vec<Row> {
    let row = |name, ours, peer, limit| Row { name, ours, peers: vec![peer], goal: Goal::AtMost(limit) };
    vec![
        // The limit of a machine whose cores are near; see the line's round trip, and BENCHMARKS.md.
        row(
            "deferred: 2 receivers of one buffer, in batches",
            released("deferred, in batches: 2 receivers", 2),
            released("deferred, in batches: 1 receiver", 1),
            1.3,
        ),
        row(
            "epoch: 8 readers against 1",
            epoch_readers("epoch: 8 readers", 8),
            epoch_readers("epoch: 1 reader", 1),
            1.2,
        ),
        row("8 readers of 64 MiB: read", views_read("8 views", 8), slices_read("8 × &[u8]", 8), 1.03),
        row("8 readers of 64 MiB: clone + drop", views_cloned("8 views", 8), views_cloned("1 view", 1), 1.5),
    ]
}
