//! `viewchan explain`: how a fault breaks its guarantee, as a sequence diagram.

mod subject;

use self::subject::Subject;
use super::{names, print, refuse_idle, refuse_meddling};
use std::io::IsTerminal;
use std::process::ExitCode;
use textwrap::{Options, WordSplitter};
use viewchan_model::fault::{CODE_FAULTS, CodeFault, How};
use viewchan_model::job::{self, Job, Task, load};
use viewchan_model::report::diagram::{Diagram, Style, draw};
use viewchan_model::scenario::{Scenario, Strategy, shipped};
use viewchan_model::spec::{Counterexample, Fault, Guarantee, Rules, explore};

/// Draws the shortest way in which a fault breaks its guarantee, as a sequence diagram.
///
/// A fault is a protocol that is wrong in one place, on purpose: it shows what the guarantee is for, and that the checks
/// notice. The diagram has a lifeline for each thread and a row for each step, and shows which thread holds the lock of
/// which interpreter. The last row is where the guarantee breaks; below it stands why.
///
/// Without a fault: lists all faults.
#[derive(clap::Args)]
#[command(after_help = "Exit status: 0 if a diagram is drawn, 1 if the fault breaks nothing, 2 for bad input.")]
pub(crate) struct Arguments {
    /// The fault to explain; or a scenario that names a fault, or a defect of CPython (`D1` to `D14`) that a scenario
    /// reproduces: then the fault is explained on that scenario.
    #[arg(value_name = "FAULT|SCENARIO")]
    fault: Option<String>,
    /// Look only at this scenario: a shipped one (see `viewchan list`), or the path of a scenario file. If none is given,
    /// at all shipped ones for the shortest way.
    #[arg(long, value_name = "NAME|FILE")]
    scenario: Option<String>,
    /// The strategy to break. If none is given, the first that can have the fault.
    #[arg(long, value_enum)]
    strategy: Option<Strategy>,
    /// Break the real code instead of the specification, and draw what loom finds, which need not be the shortest way.
    /// Faults that only the code can have are explained like this anyway. Needs a build with `--features loom`.
    #[arg(long)]
    loom: bool,
    /// Draw with ASCII characters only.
    #[arg(long)]
    ascii: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let width = width();
    let Some(name) = &arguments.fault else {
        print(&list(width))?;
        return Ok(ExitCode::SUCCESS);
    };
    let strategy = arguments.strategy;
    super::strategies(strategy.as_slice())?;
    let subject = Subject::find(name, arguments.scenario.as_deref(), width)?;
    let origin = subject.origin.as_deref();
    let found = match (subject.fault, subject.code) {
        (Some(fault), _) if !arguments.loom => on_spec(fault, origin, strategy)?,
        (_, Some(fault)) => on_loom(fault, origin, strategy)?,
        _ => return Err(format!("only the specification can have the fault {}: leave --loom out", subject.name)),
    };
    let style = if arguments.ascii { Style::Ascii } else { Style::Unicode };
    match found {
        Found::Story(story) => print(&story.tell(width, style)).map(|()| ExitCode::SUCCESS),
        Found::Nothing(why) => print(&fill(&why, width, "")).map(|()| ExitCode::from(1)),
    }
}

/// What came of the search.
enum Found {
    /// A way to break a guarantee.
    Story(Box<Story>),
    /// None, and the sentence that says so.
    Nothing(String),
}

/// What there is to tell about a fault.
struct Story {
    fault: &'static str,
    description: String,
    scenario: Scenario,
    strategy: Strategy,
    diagram: Diagram,
    guarantee: String,
    why: String,
    /// How to see more.
    more: Option<String>,
}

impl Story {
    fn tell(&self, width: usize, style: Style) -> String {
        let Self { fault, description, scenario, strategy, diagram, guarantee, why, more } = self;
        let why = format!("{} {guarantee}: {why}", style.broken());
        let parts = [
            fill(&format!("{fault}: {description}"), width, "  "),
            fill(&format!("On {}, strategy {}: {}", scenario.name, strategy.name(), scenario.about), width, "  "),
            draw(diagram, width, style),
            fill(&why, width, "  "),
        ];
        let more = more.as_deref().map(|more| fill(more, width, ""));
        parts.into_iter().chain(more).collect::<Vec<_>>().join("\n")
    }
}

/// Looks on the specification.
fn on_spec(fault: Fault, origin: Option<&str>, asked: Option<Strategy>) -> Result<Found, String> {
    let known = fault.strategies();
    if let Some(strategy) = asked.filter(|strategy| !known.contains(strategy)) {
        let (name, known) = (strategy.name(), names(known));
        return Err(format!("the strategy {name} cannot have the fault {fault}: choose among {known}"));
    }
    let candidates = asked.as_ref().map_or(known, std::slice::from_ref);
    let scenarios = match origin {
        Some(origin) => {
            let scenario = load(origin)?;
            refuse_idle(&scenario, candidates)?;
            vec![scenario]
        }
        None => shipped(),
    };
    let Some((strategy, rules, found)) = shortest(fault, &scenarios, candidates) else {
        let place = origin.unwrap_or("any shipped scenario");
        return Ok(Found::Nothing(format!(
            "{fault} breaks no guarantee on {place}, in any order of the threads' steps."
        )));
    };
    let in_code = CodeFault::from_name(fault.name()).is_some();
    Ok(Found::Story(Box::new(Story {
        fault: fault.name(),
        description: fault.description().to_owned(),
        scenario: rules.scenario().clone(),
        strategy,
        diagram: Diagram::of_counterexample(&rules, &found),
        guarantee: found.violation.guarantee.to_string(),
        why: found.violation.why,
        more: in_code.then(|| {
            let command = format!("`viewchan explain {fault} --loom`");
            format!("The real code can have this fault, too: {command}, in a build with `--features loom`, shows it.")
        }),
    })))
}

/// The shortest counterexample of all; among equals the one with the fewest threads, then the first by name. On each
/// scenario under the first of the strategies that it is for.
fn shortest(
    fault: Fault,
    scenarios: &[Scenario],
    strategies: &[Strategy],
) -> Option<(Strategy, Rules, Counterexample)> {
    let found = scenarios.iter().filter_map(|scenario| {
        let strategy = *strategies.iter().find(|strategy| scenario.strategies.contains(strategy))?;
        let rules = Rules::with_fault(scenario, strategy, fault);
        let found = explore(&rules, None).expect("no limit was set").violation?;
        Some((strategy, rules, found))
    });
    found.min_by_key(|(_, rules, found)| {
        let scenario = rules.scenario();
        (found.path.len(), scenario.threads.len(), scenario.name.clone())
    })
}

/// Looks under loom, in a child process, which dies of what it finds.
fn on_loom(fault: CodeFault, origin: Option<&str>, asked: Option<Strategy>) -> Result<Found, String> {
    let name = fault.name;
    if !cfg!(feature = "loom") {
        return Err(format!(
            "loom finds {name} in the real code, and this build has no loom: build with --features loom"
        ));
    }
    refuse_meddling()?;
    let strategy = asked.unwrap_or(fault.strategy);
    if fault.how == How::Strategy && strategy != fault.strategy {
        let (asked, own) = (strategy.name(), fault.strategy.name());
        return Err(format!("in the code {name} is a flaw of the strategy {own}, not of {asked}"));
    }
    let origin = origin.unwrap_or(fault.scenario);
    let scenario = load(origin)?;
    refuse_idle(&scenario, &[strategy])?;
    let executable = std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
    let task = Task::Fault { name };
    let limit = task.limit();
    let run = job::run(&executable, &Job { origin, scenario: &scenario, strategy, task }, limit)
        .map_err(|error| format!("cannot run loom: {error}"))?;
    let Some(violation) = run.violations.into_iter().next() else {
        return Ok(Found::Nothing(format!("{name} breaks no guarantee on {origin} under loom.")));
    };
    if violation.trace.is_empty() && violation.guarantee.is_none() {
        // All executions passed, but they are not those of the specification; or there was none, and nothing to see.
        let why = format!("there is no execution of {name} on {origin} to draw: {}", violation.why);
        return if run.executions > 0 { Ok(Found::Nothing(why)) } else { Err(why) };
    }
    let rules = Rules::new(&scenario, strategy);
    let diagram = Diagram::of_trace(&rules, &violation).map_err(|error| error.to_string())?;
    Ok(Found::Story(Box::new(Story {
        fault: name,
        description: Fault::from_name(name).map_or_else(|| fault.about(), |fault| fault.description().to_owned()),
        scenario,
        strategy,
        diagram,
        guarantee: guarantee_name(violation.guarantee.as_deref().unwrap_or(fault.guarantee)),
        why: plain(&violation.why).to_owned(),
        more: None,
    })))
}

/// A reason without what the diagram has said already: the step, if it is told twice, and loom's own threads.
fn plain(why: &str) -> &str {
    let why = why.split_once("; threads = ").map_or(why, |(why, _)| why);
    match why.split_once(": ") {
        Some((step, rest)) if rest.starts_with(step) => rest,
        _ => why,
    }
}

/// `G4` with its name.
fn guarantee_name(id: &str) -> String {
    let known = Guarantee::ALL.into_iter().find(|guarantee| guarantee.id() == id);
    known.map_or_else(|| id.to_owned(), |guarantee| guarantee.to_string())
}

/// The faults that only the real code can have.
fn code_only() -> impl Iterator<Item = &'static CodeFault> {
    CODE_FAULTS.iter().filter(|code| Fault::from_name(code.name).is_none())
}

/// All faults, below the guarantees that they break.
fn list(width: usize) -> String {
    let mut text = "The faults, below the guarantee that each breaks. `viewchan explain FAULT` draws one.\n".to_owned();
    for guarantee in Guarantee::ALL {
        text += &format!("\n{guarantee}\n");
        for fault in Fault::ALL.iter().filter(|fault| fault.guarantee() == guarantee) {
            text += &entry(fault.name(), fault.description(), width);
        }
        for fault in code_only().filter(|fault| fault.guarantee == guarantee.id()) {
            text += &entry(fault.name, &format!("{} Only in the code, under loom.", fault.about()), width);
        }
    }
    text
}

/// A name and what it means, beside it.
fn entry(name: &str, about: &str, width: usize) -> String {
    let indent = " ".repeat(29);
    fill(&format!("  {name:<26} {about}"), width, &indent)
}

/// A paragraph, its further lines indented. No line ends in the middle of a name with hyphens.
fn fill(text: &str, width: usize, indent: &str) -> String {
    let options = Options::new(width).subsequent_indent(indent).word_splitter(WordSplitter::NoHyphenation);
    textwrap::fill(text, options) + "\n"
}

/// The width of the terminal, and 100 for everything else; a longer line than 120 is hard to read.
fn width() -> usize {
    if std::io::stdout().is_terminal() { textwrap::termwidth().min(120) } else { 100 }
}

#[cfg(test)]
mod tests {
    use super::{code_only, list, plain, shortest};
    use viewchan_model::scenario::{Scenario, shipped};
    use viewchan_model::spec::Fault;

    /// In whatever order the scenarios come, and shorter in none of them alone.
    #[test]
    fn the_shortest_counterexample_is_found() {
        let mut scenarios = shipped();
        let shortest_of = |scenarios: &[Scenario]| {
            let fault = Fault::OwnLockKept;
            let (_, rules, found) = shortest(fault, scenarios, fault.strategies())?;
            Some((found.path.len(), rules.scenario().threads.len(), rules.scenario().name.clone()))
        };
        let best = shortest_of(&scenarios).expect("it is refuted");
        scenarios.reverse();
        assert_eq!(shortest_of(&scenarios), Some(best.clone()));
        assert!(scenarios.chunks(1).filter_map(shortest_of).all(|one| best <= one));
    }

    #[test]
    fn the_list_has_every_fault() {
        let list = list(100);
        for name in Fault::ALL.iter().map(|fault| fault.name()).chain(code_only().map(|code| code.name)) {
            assert!(list.contains(&format!("\n  {name} ")), "{name}");
        }
        assert!(list.lines().all(|line| line.chars().count() <= 100));
    }

    #[test]
    fn a_reason_is_told_once() {
        assert_eq!(plain("deadlock; threads = [(Id(0), Blocked)]"), "deadlock");
        assert_eq!(plain("left reads x: left reads x after it was freed"), "left reads x after it was freed");
        assert_eq!(plain("left cannot send into c: full"), "left cannot send into c: full");
    }
}
