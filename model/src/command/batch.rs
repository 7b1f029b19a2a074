//! `viewchan batch`: a part of a series, for a parent process. Prints lines of JSON.

use peak_alloc::PeakAlloc;
use std::process::ExitCode;
use viewchan_model::generate::Size;
use viewchan_model::scenario::Strategy;
use viewchan_model::series::batch::{Memory, perform};
use viewchan_model::series::{Series, Trial};

/// Counts what is allocated, for `soak`.
#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// A part of a series, as a child process of `generate` or `soak`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[arg(long)]
    seed: u64,
    #[arg(long, value_enum, value_delimiter = ',', required = true)]
    size: Vec<Size>,
    #[arg(long, value_enum, value_delimiter = ',', required = true)]
    strategy: Vec<Strategy>,
    /// Shipped scenarios as well.
    #[arg(long)]
    shipped: bool,
    #[arg(long)]
    first: u64,
    #[arg(long)]
    last: u64,
    /// spec, perhaps with a fault, or a task of `job`.
    #[arg(required = true)]
    trial: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let series = Series::new(arguments.seed, &arguments.size, &arguments.strategy);
    let series = if arguments.shipped { series.with_shipped() } else { series };
    let trial = Trial::parse(&arguments.trial.iter().map(String::as_str).collect::<Vec<_>>())?;
    perform(&series, &trial, arguments.first..arguments.last + 1, measure)?;
    Ok(ExitCode::SUCCESS)
}

fn measure() -> Memory {
    let resident = memory_stats::memory_stats().map_or(0, |memory| memory.physical_mem);
    Memory { allocated: ALLOCATOR.current_usage(), resident }
}
