//! The text of a scenario's file: [`parse`](super::parse()) the other way round.

use super::{Holding, Located, Patience, Scenario, Step, ThreadDecl, Tier, Undelivered, Variable};
use serde::Serialize;
use std::collections::BTreeMap;

/// Writes a scenario as the file that it is parsed from. What it means is kept; comments and blanks are not.
pub fn write(scenario: &Scenario) -> String {
    toml::to_string_pretty(&File::of(scenario)).expect("strings, numbers and tables")
}

/// A step as one line of a file; of a block, the line that opens it.
pub fn line(step: &Step, variables: &[String], interpreters: &[String]) -> String {
    let name = |variable: &Variable| variables[*variable].as_str();
    match step {
        Step::Attach { interpreter, .. } => format!("attach {}", interpreters[*interpreter]),
        Step::Detach { .. } => "detach".to_owned(),
        Step::Safepoint => "safepoint".to_owned(),
        Step::Send { end, what, patience } => {
            let verb = match patience {
                Patience::Forever => "send",
                Patience::Never => "try-send",
                Patience::Deadline => "send-timeout",
            };
            format!("{verb} {} {}", name(end), name(what))
        }
        Step::Receive { end, into, patience } => {
            let verb = match patience {
                Patience::Forever => "recv",
                Patience::Never => "try-recv",
                Patience::Deadline => "recv-timeout",
            };
            format!("{verb} {} {}", name(end), name(into))
        }
        Step::Copy { what, into } => format!("copy {} {}", name(what), name(into)),
        Step::Clone { view, into } => format!("clone {} {}", name(view), name(into)),
        Step::Slice { view, into } => format!("slice {} {}", name(view), name(into)),
        Step::Read { what } => format!("read {}", name(what)),
        Step::Release { view } => format!("release {}", name(view)),
        Step::Drop { what } => format!("drop {}", name(what)),
        Step::Thaw { handle } => format!("thaw {}", name(handle)),
        Step::Close { end } => format!("close {}", name(end)),
        Step::End { interpreter } => format!("end {}", interpreters[*interpreter]),
        Step::Publish { publisher, what } => format!("publish {} {}", name(publisher), name(what)),
        Step::Peek { subscriber, into } => format!("peek {} {}", name(subscriber), name(into)),
        Step::Undelivered { end, policy } => format!("undelivered {} {}", name(end), policy.name()),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct File<'a> {
    name: &'a str,
    about: &'a str,
    tier: &'static str,
    preemptions: Option<usize>,
    strategies: Vec<&'static str>,
    defect: Option<&'a str>,
    fault: Option<&'a str>,
    interpreters: &'a [String],
    batch: Option<usize>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    bounded_for: BTreeMap<&'static str, usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    buffer: Vec<BufferTable<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    channel: Vec<ChannelTable<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    slot: Vec<SlotTable<'a>>,
    thread: Vec<ThreadTable<'a>>,
}

#[derive(Serialize)]
struct BufferTable<'a> {
    name: &'a str,
    owner: &'a str,
}

#[derive(Serialize)]
struct ChannelTable<'a> {
    name: &'a str,
    capacity: Option<usize>,
    undelivered: Option<&'static str>,
}

#[derive(Serialize)]
struct SlotTable<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct ThreadTable<'a> {
    name: &'a str,
    #[serde(rename = "in")]
    attached: Option<&'a str>,
    holds: Vec<String>,
    steps: Vec<String>,
}

impl<'a> File<'a> {
    fn of(scenario: &'a Scenario) -> Self {
        let (tier, preemptions) = match scenario.tier {
            Tier::Exhaustive => ("exhaustive", None),
            Tier::Bounded { preemptions } => ("bounded", Some(preemptions)),
        };
        let buffers = scenario.buffers.iter();
        let channels = scenario.channels.iter();
        Self {
            name: &scenario.name,
            about: &scenario.about,
            tier,
            preemptions,
            strategies: scenario.strategies.iter().map(|strategy| strategy.name()).collect(),
            defect: scenario.defect.as_deref(),
            fault: scenario.fault.as_deref(),
            interpreters: &scenario.interpreters,
            batch: Some(scenario.batch).filter(|&batch| batch > 1),
            bounded_for: scenario.bounded_for.iter().map(|(strategy, &bound)| (strategy.name(), bound)).collect(),
            buffer: buffers
                .map(|buffer| BufferTable { name: &buffer.name, owner: &scenario.interpreters[buffer.owner] })
                .collect(),
            channel: channels
                .map(|channel| ChannelTable {
                    name: &channel.name,
                    capacity: channel.capacity,
                    undelivered: Some(channel.undelivered)
                        .filter(|&it| it != Undelivered::Deliver)
                        .map(Undelivered::name),
                })
                .collect(),
            slot: scenario.slots.iter().map(|slot| SlotTable { name: &slot.name }).collect(),
            thread: scenario.threads.iter().map(|thread| ThreadTable::of(scenario, thread)).collect(),
        }
    }
}

impl<'a> ThreadTable<'a> {
    /// A block around all steps is the key `in`, unless there would be no step left.
    fn of(scenario: &'a Scenario, thread: &'a ThreadDecl) -> Self {
        let text = Text { variables: &thread.variables, interpreters: &scenario.interpreters };
        let (attached, steps) = match thread.steps.as_slice() {
            [Located { step: Step::Attach { interpreter, body, unwind }, .. }]
                if !body.is_empty() || unwind.is_some() =>
            {
                (Some(scenario.interpreters[*interpreter].as_str()), text.body(body, unwind.as_deref()))
            }
            steps => (None, text.body(steps, None)),
        };
        let holds = thread.holds.iter().map(|&holding| scenario.name_of(holding)).collect();
        Self { name: &thread.name, attached, holds, steps }
    }
}

/// What the lines of a thread are made of.
struct Text<'a> {
    variables: &'a [String],
    interpreters: &'a [String],
}

impl Text<'_> {
    fn body(&self, steps: &[Located], unwind: Option<&[Variable]>) -> Vec<String> {
        let mut lines: Vec<String> = steps.iter().flat_map(|located| self.lines(&located.step)).collect();
        if let Some(dropped) = unwind {
            let words = dropped.iter().map(|&variable| self.variables[variable].as_str());
            lines.push(["panic"].into_iter().chain(words).collect::<Vec<_>>().join(" "));
        }
        lines
    }

    fn lines(&self, step: &Step) -> Vec<String> {
        let first = line(step, self.variables, self.interpreters);
        let unwind = match step {
            Step::Attach { unwind, .. } => unwind.as_deref(),
            Step::Detach { .. } => None,
            _ => return vec![first],
        };
        [vec![first], self.body(step.body(), unwind), vec!["end".to_owned()]].concat()
    }
}

impl Scenario {
    /// What the variable is called that holds this from the start: `x`, `x.view`, `c.tx`, `c.rx`, `s.pub` or `s.sub`.
    pub fn name_of(&self, holding: Holding) -> String {
        match holding {
            Holding::Handle(buffer) => self.buffers[buffer].name.clone(),
            Holding::View(buffer) => format!("{}.view", self.buffers[buffer].name),
            Holding::SendEnd(channel) => format!("{}.tx", self.channels[channel].name),
            Holding::ReceiveEnd(channel) => format!("{}.rx", self.channels[channel].name),
            Holding::Publisher(slot) => format!("{}.pub", self.slots[slot].name),
            Holding::Subscriber(slot) => format!("{}.sub", self.slots[slot].name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Scenario, write};
    use crate::generate::tests::cases;
    use crate::scenario::{Located, Step, parse, shipped};

    /// The same with every step on line 0: where a step stands is all that writing may change.
    fn without_lines(scenario: &Scenario) -> Scenario {
        let mut scenario = scenario.clone();
        scenario.threads.iter_mut().for_each(|thread| forget_lines(&mut thread.steps));
        scenario
    }

    fn forget_lines(steps: &mut [Located]) {
        for located in steps {
            located.line = 0;
            if let Step::Attach { body, .. } | Step::Detach { body } = &mut located.step {
                forget_lines(body);
            }
        }
    }

    #[track_caller]
    fn assert_is_read_as_it_was(scenario: &Scenario) {
        let text = write(scenario);
        let read = parse(&format!("{}.toml", scenario.name), &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(without_lines(&read), without_lines(scenario), "{text}");
    }

    #[test]
    fn what_is_written_is_read_as_it_was() {
        shipped().iter().for_each(assert_is_read_as_it_was);
    }

    /// The same, and that the parser accepts whatever is generated.
    #[test]
    fn what_is_generated_is_read_as_it_was() {
        cases(100).for_each(|case| assert_is_read_as_it_was(&case.scenario()));
    }
}
