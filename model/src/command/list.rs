//! `viewchan list`: what can be checked.

use super::names;
use std::process::ExitCode;
use viewchan_model::fault::{CODE_FAULTS, CodeFault};
use viewchan_model::scenario::{Scenario, Strategy, Tier, shipped};
use viewchan_model::spec::{Fault, Guarantee};

/// Lists the shipped scenarios, or the faults.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What to list.
    #[arg(value_enum, default_value = "scenarios")]
    what: What,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum What {
    /// The shipped scenarios, with tier, number of threads, defect and strategies.
    Scenarios,
    /// The faults, with the guarantee that each breaks and the engines that refute it.
    Faults,
    /// The guarantees.
    Guarantees,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let lines: Vec<String> = match arguments.what {
        What::Scenarios => shipped().iter().map(scenario).collect(),
        What::Faults => faults(),
        What::Guarantees => Guarantee::ALL.iter().map(ToString::to_string).collect(),
    };
    super::print(&(lines.join("\n") + "\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// Name, tier, threads, defect, strategies, and what it is about.
fn scenario(scenario: &Scenario) -> String {
    let Scenario { name, about, .. } = scenario;
    let (threads, defect) = (scenario.threads.len(), scenario.defect.as_deref().unwrap_or("-"));
    format!("{name:<40} {:<12} {threads} threads  {defect:<3} {:<13} {about}", tier(scenario), strategies(scenario))
}

/// The tier, and which strategies are explored bounded although it is exhaustive: `exhaustive, deferred bounded (3)`.
fn tier(scenario: &Scenario) -> String {
    let bounded = |preemptions: &usize| format!("bounded ({preemptions})");
    let mut tier = match scenario.tier {
        Tier::Exhaustive => "exhaustive".to_owned(),
        Tier::Bounded { preemptions } => bounded(&preemptions),
    };
    for (strategy, preemptions) in &scenario.bounded_for {
        tier += &format!(", {} {}", strategy.name(), bounded(preemptions));
    }
    tier
}

/// The strategies, or `all` if no strategy of channels is missing.
fn strategies(scenario: &Scenario) -> String {
    if scenario.strategies == Strategy::OF_CHANNELS { "all".to_owned() } else { names(&scenario.strategies) }
}

fn faults() -> Vec<String> {
    let specified = Fault::ALL.iter().map(|fault| {
        let code = CODE_FAULTS.iter().find(|code| code.name == fault.name());
        let engines = code.map_or("spec".to_owned(), |code| format!("spec, {}", engines(code)));
        format!("{} {:<28} {engines:<19} {}", fault.guarantee().id(), fault.name(), fault.description())
    });
    let in_code_only = CODE_FAULTS.iter().filter(|code| Fault::from_name(code.name).is_none());
    let in_code_only = in_code_only
        .map(|fault| format!("{} {:<28} {:<19} {}", fault.guarantee, fault.name, engines(fault), fault.about()));
    specified.chain(in_code_only).collect()
}

/// The engines that refute a fault in the code.
fn engines(fault: &CodeFault) -> &'static str {
    if fault.is_seen_by_shuttle() { "loom, shuttle" } else { "loom" }
}
