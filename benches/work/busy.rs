//! What a receive and a release take while the owner computes: the reason for all of this.

use super::single::buffer;
use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use viewchan::strategy::Strategy;
use viewchan::{Interpreter, channel};

/// How long each of `count` receives with its release took, in order of length, while the owner was at work, and let others
/// in between two slices. Each begins in a slice of its own. An owner with slices of no length is idle.
pub(crate) fn latencies<S: Strategy<Interpreter>>(count: usize, slice: Duration) -> Vec<Duration> {
    let (owner, buffer) = buffer(64);
    let (send, receive) = channel::unbounded_with::<Interpreter, S>();
    owner.attach(|token| {
        for _ in 0..count {
            send.send(token, buffer.clone_ref(token)).expect("the receiver is there");
        }
    });
    let (is_done, slices) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut times = thread::scope(|scope| {
        if !slice.is_zero() {
            scope.spawn(|| {
                owner.attach(|token| {
                    while !is_done.load(Ordering::Relaxed) {
                        slices.fetch_add(1, Ordering::Relaxed);
                        let start = Instant::now();
                        while start.elapsed() < slice {
                            spin_loop();
                        }
                        token.safepoint();
                    }
                });
            });
        }
        let times = Interpreter::new().attach(|_| {
            let mut seen = 0;
            let receive_one = |_| {
                // The owner has been let in again since the last one.
                while !slice.is_zero() && slices.load(Ordering::Relaxed) == seen {
                    spin_loop();
                }
                let start = Instant::now();
                drop(receive.recv());
                let passed = start.elapsed();
                seen = slices.load(Ordering::Relaxed);
                passed
            };
            (0..count).map(receive_one).collect::<Vec<_>>()
        });
        is_done.store(true, Ordering::Relaxed);
        times
    });
    times.sort();
    times
}

/// The time that so many hundredths of all did not exceed.
pub(crate) fn percentile(sorted: &[Duration], hundredths: usize) -> Duration {
    sorted[(sorted.len() * hundredths / 100).min(sorted.len() - 1)]
}
