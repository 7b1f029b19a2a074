//! Two plots: latency against how busy the owner is, and scaling with readers.

use crate::work::Work;
use crate::work::busy::{latencies, percentile};
use crate::work::readers::{arcs_dropped, epoch_pins, epoch_readers, released};
use plotters::prelude::*;
use std::path::Path;
use std::time::Duration;
use viewchan::strategy::{Deferred, View};

/// The lengths of an owner's slices, in microseconds.
const SLICES: [u64; 6] = [0, 50, 200, 1_000, 5_000, 20_000];
const READERS: usize = 8;
const OPERATIONS: u64 = 200_000;

type Line = (&'static str, Vec<(f64, f64)>);

/// Measures and draws both. Their file names, and what they show.
pub(crate) fn draw(into: &Path) -> Vec<(&'static str, &'static str)> {
    std::fs::create_dir_all(into).expect("benches can be written");
    let latency = ("latency.svg", "Receive and release against the length of the owner's slices");
    let scaling = ("scaling.svg", "An operation's cost against the number of readers");
    chart(&into.join(latency.0), latency.1, "the owner's slice, in µs", "ns", &busy());
    chart(&into.join(scaling.0), scaling.1, "readers", "ns of a core", &readers());
    vec![latency, scaling]
}

fn busy() -> Vec<Line> {
    let view = SLICES.map(|slice| latencies::<View>(60, Duration::from_micros(slice)));
    let deferred = SLICES.map(|slice| latencies::<Deferred>(300, Duration::from_micros(slice)));
    let of = |samples: &[Vec<Duration>], hundredths| {
        let at =
            |(slice, sorted): (u64, &Vec<_>)| (slice.max(10) as f64, percentile(sorted, hundredths).as_nanos() as f64);
        SLICES.into_iter().zip(samples).map(at).collect()
    };
    vec![
        ("view, p50", of(&view, 50)),
        ("view, p99", of(&view, 99)),
        ("deferred, p50", of(&deferred, 50)),
        ("deferred, p99", of(&deferred, 99)),
    ]
}

fn readers() -> Vec<Line> {
    let of = |make: fn(&'static str, usize) -> Work| {
        let at = |count: usize| {
            let mut work = make("", count);
            let best = (0..5).map(|_| (work.run)(OPERATIONS)).min().expect("five times");
            (count as f64, best.as_nanos() as f64 / OPERATIONS as f64)
        };
        (1..=READERS).map(at).collect()
    };
    vec![
        ("Arc: clone + drop of one", of(arcs_dropped)),
        ("deferred, in batches: open + release of one buffer", of(released)),
        ("epoch: read", of(epoch_readers)),
        ("crossbeam-epoch: pin + unpin", of(epoch_pins)),
    ]
}

/// Lines over two axes, both of powers.
fn chart(file: &Path, caption: &str, x: &str, y: &str, lines: &[Line]) {
    let points = || lines.iter().flat_map(|(_, points)| points.iter().copied());
    let least = |values: &mut dyn Iterator<Item = f64>| values.fold(f64::INFINITY, f64::min);
    let most = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, f64::max);
    let x_range = least(&mut points().map(|point| point.0))..most(&mut points().map(|point| point.0));
    let y_range = least(&mut points().map(|point| point.1)) / 2.0..most(&mut points().map(|point| point.1)) * 4.0;
    let area = SVGBackend::new(file, (800, 480)).into_drawing_area();
    let drawn = (|| -> Result<(), Box<dyn std::error::Error>> {
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(caption, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(80)
            .build_cartesian_2d(x_range.log_scale(), y_range.log_scale())?;
        chart.configure_mesh().x_desc(x).y_desc(y).draw()?;
        for (index, (name, points)) in lines.iter().enumerate() {
            let color = Palette99::pick(index).stroke_width(2);
            chart
                .draw_series(LineSeries::new(points.iter().copied(), color).point_size(3))?
                .label(*name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], color));
        }
        chart.configure_series_labels().border_style(BLACK).background_style(WHITE).draw()?;
        area.present()?;
        Ok(())
    })();
    drawn.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}
