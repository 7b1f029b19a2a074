//! Measuring a row.

use crate::work::busy::{latencies, percentile};
use crate::work::{Goal, Row, Work};
use serde::Serialize;
use std::time::Duration;
use viewchan::strategy::{Deferred, View};

/// How long a turn takes, about.
const TURN: Duration = Duration::from_millis(20);
/// Of one turn. Some keep something for each operation until the turn ends.
const MOST_OPERATIONS: u64 = 1 << 20;

/// A row of the table, measured.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    pub row: String,
    /// What ours is.
    pub name: &'static str,
    /// An operation of ours, in `unit`s: the median of all rounds.
    pub ours: f64,
    /// The same of the best peer.
    pub peer: f64,
    /// Which one that is.
    pub peer_name: String,
    pub unit: &'static str,
    /// The median of each round's ratio.
    pub ratio: f64,
    /// Between which the middle half of these ratios lay.
    pub ratio_from: f64,
    pub ratio_to: f64,
    pub goal: String,
    pub met: bool,
}

/// Ours and the peers in turns.
pub(crate) fn measure(mut row: Row, rounds: u32) -> Measured {
    let operations = times_for_a_turn(&mut row.ours);
    let peers_operations: Vec<u64> = row.peers.iter_mut().map(times_for_a_turn).collect();
    let mut ours = Vec::new();
    let mut peers = vec![Vec::new(); row.peers.len()];
    for _ in 0..rounds {
        ours.push(nanoseconds(&mut row.ours, operations));
        for ((peer, operations), costs) in row.peers.iter_mut().zip(&peers_operations).zip(&mut peers) {
            costs.push(nanoseconds(peer, *operations));
        }
    }
    let medians: Vec<f64> = peers.iter().map(|costs| median(costs)).collect();
    let best = (0..peers.len()).min_by(|&a, &b| medians[a].total_cmp(&medians[b])).expect("each row has a peer");
    let in_peers = |(ours, peer): (&f64, &f64)| match row.goal {
        Goal::AtMost(_) => ours / peer,
        Goal::AtLeast(_) => peer / ours,
    };
    let ratios: Vec<f64> = ours.iter().zip(&peers[best]).map(in_peers).collect();
    let as_rate = |cost: f64| match row.goal {
        Goal::AtMost(_) => cost,
        Goal::AtLeast(_) => 1e3 / cost,
    };
    let ratio = median(&ratios);
    Measured {
        row: row.name.to_owned(),
        name: row.ours.name,
        ours: as_rate(median(&ours)),
        peer: as_rate(medians[best]),
        peer_name: row.peers[best].name.to_owned(),
        unit: match row.goal {
            Goal::AtMost(_) => "ns",
            Goal::AtLeast(_) => "million/s",
        },
        ratio,
        ratio_from: quantile(&ratios, 0.25),
        ratio_to: quantile(&ratios, 0.75),
        goal: row.goal.to_string(),
        met: row.goal.is_met(ratio),
    }
}

/// The rows of a busy owner begin with this.
pub(crate) const BUSY: &str = "busy owner, 5 ms slices";

/// What a receiver feels of an owner that computes in slices of 5 ms.
pub(crate) fn measure_busy() -> Vec<Measured> {
    let slice = Duration::from_millis(5);
    let deferred = latencies::<Deferred>(1_000, slice);
    let view = latencies::<View>(200, slice);
    let in_nanoseconds = |sorted: &[Duration], hundredths| percentile(sorted, hundredths).as_nanos() as f64;
    let row = |what: &str, ours: f64, peer: f64, peer_name: &str, ratio: f64, goal: Goal| Measured {
        row: format!("{BUSY}: {what}"),
        name: "deferred",
        ours,
        peer,
        peer_name: peer_name.to_owned(),
        unit: "ns",
        ratio,
        ratio_from: ratio,
        ratio_to: ratio,
        goal: goal.to_string(),
        met: goal.is_met(ratio),
    };
    let (median, tail) = (in_nanoseconds(&deferred, 50), in_nanoseconds(&deferred, 99));
    let owner_waited_for = in_nanoseconds(&view, 50);
    vec![
        row("deferred, p50", median, 1e3, "the goal itself", median / 1e3, Goal::AtMost(1.0)),
        row("deferred, p99", tail, 5e3, "the goal itself", tail / 5e3, Goal::AtMost(1.0)),
        row(
            "p50, deferred below view",
            median,
            owner_waited_for,
            "view",
            owner_waited_for / median,
            Goal::AtLeast(3000.0),
        ),
    ]
}

/// Of one operation.
fn nanoseconds(work: &mut Work, operations: u64) -> f64 {
    (work.run)(operations).as_nanos() as f64 / operations as f64
}

/// How many operations make a turn.
fn times_for_a_turn(work: &mut Work) -> u64 {
    let mut operations = 1;
    loop {
        let passed = (work.run)(operations);
        if passed >= TURN / 2 || operations >= MOST_OPERATIONS {
            return operations;
        }
        let factor = TURN.as_nanos() / passed.as_nanos().max(1);
        operations = operations.saturating_mul((factor as u64).clamp(2, 16)).min(MOST_OPERATIONS);
    }
}

pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * part).round() as usize]
}
