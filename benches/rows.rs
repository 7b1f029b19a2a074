//! Each row of the table for criterion, with its statistics and plots: `cargo bench --bench rows`. Ratios: `cargo bench --bench table`.
//!
//! Compare within one run only, and as ratios: machines are noisy.

#[path = "work/mod.rs"]
#[allow(dead_code, reason = "the other benches have more of it")]
mod work;

use criterion::{Criterion, criterion_group};
use std::time::Duration;

fn rows(criterion: &mut Criterion) {
    for row in work::rows() {
        let mut group = criterion.benchmark_group(row.name);
        group.sample_size(20).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(1));
        for mut work in [row.ours].into_iter().chain(row.peers) {
            group.bench_function(work.name, |bencher| bencher.iter_custom(|times| (work.run)(times)));
        }
        group.finish();
    }
}

criterion_group!(benches, rows);

fn main() {
    if work::is_to_be_timed("rows") {
        benches();
        Criterion::default().configure_from_args().final_summary();
    }
}
