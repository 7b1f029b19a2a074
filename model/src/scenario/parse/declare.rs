//! Everything but the threads: the name, the tier, interpreters, buffers, channels, slots and the limits on their numbers.

use std::path::Path;

use toml::Spanned;

use super::error::{Checked, Problem};
use super::file::{BufferTable, ChannelTable, File, SlotTable, TierName};
use super::{purpose, words};
use crate::scenario::{BufferDecl, ChannelDecl, Holding, SlotDecl, Tier, Undelivered};

/// The most interpreters of a scenario.
const MOST_INTERPRETERS: usize = 16;
/// The most buffers of a scenario.
const MOST_BUFFERS: usize = 6;
/// The most channels of a scenario.
const MOST_CHANNELS: usize = 6;
/// The most slots of a scenario.
const MOST_SLOTS: usize = 2;

/// What the threads can refer to.
pub(super) struct Declared {
    pub(super) interpreters: Vec<String>,
    pub(super) buffers: Vec<BufferDecl>,
    pub(super) channels: Vec<ChannelDecl>,
    pub(super) slots: Vec<SlotDecl>,
}

impl Declared {
    pub(super) fn check(file: &File) -> Checked<Self> {
        let interpreters = check_interpreters(&file.interpreters)?;
        let mut declared = Self { interpreters, buffers: Vec::new(), channels: Vec::new(), slots: Vec::new() };
        at_most(MOST_BUFFERS, "buffers", file.buffer.iter().map(|table| &table.name))?;
        for table in &file.buffer {
            declared.add_buffer(table)?;
        }
        at_most(MOST_CHANNELS, "channels", file.channel.iter().map(|table| &table.name))?;
        for table in &file.channel {
            declared.add_channel(table)?;
        }
        at_most(MOST_SLOTS, "slots", file.slot.iter().map(|table| &table.name))?;
        for table in &file.slot {
            declared.add_slot(table)?;
        }
        Ok(declared)
    }

    fn add_buffer(&mut self, table: &BufferTable) -> Checked<()> {
        let name = self.new_name("a buffer", &table.name)?;
        let interpreters = self.interpreters.iter().map(String::as_str);
        let owner = words::index_of("interpreter", &table.owner, interpreters)?;
        self.buffers.push(BufferDecl { name, owner });
        Ok(())
    }

    fn add_channel(&mut self, table: &ChannelTable) -> Checked<()> {
        let name = self.new_name("a channel", &table.name)?;
        let capacity = table.capacity.as_ref().map(check_capacity).transpose()?;
        let undelivered = table.undelivered.as_ref().map(check_undelivered).transpose()?.unwrap_or_default();
        self.channels.push(ChannelDecl { name, capacity, undelivered });
        Ok(())
    }

    /// A slot has a strategy of its own: channels, and the views that come out of them, have others.
    fn add_slot(&mut self, table: &SlotTable) -> Checked<()> {
        let name = self.new_name("a slot", &table.name)?;
        if !self.channels.is_empty() {
            let message = format!("a slot `{name}` beside a channel; expected slots or channels, not both");
            return Err(Problem::new(table.name.span().start, message));
        }
        self.slots.push(SlotDecl { name });
        Ok(())
    }

    /// Buffers, channels and slots share their names, so that a variable's name says what it holds.
    fn new_name(&self, what: &str, name: &Spanned<String>) -> Checked<String> {
        let buffers = self.buffers.iter().map(|buffer| &buffer.name);
        let channels = self.channels.iter().map(|channel| &channel.name);
        let slots = self.slots.iter().map(|slot| &slot.name);
        let taken = buffers.chain(channels).chain(slots).any(|known| known == name.get_ref());
        check_new(name, taken, words::check_name(what, name.get_ref()))
    }

    /// `x`, `x.view`, `c.tx`, `c.rx`, `s.pub` or `s.sub`.
    pub(super) fn holding(&self, text: &Spanned<String>) -> Checked<Holding> {
        let problem = |message: String| Problem::new(text.span().start, message);
        let buffer = |name| {
            let names = self.buffers.iter().map(|buffer| buffer.name.as_str());
            words::find("buffer", name, names).map_err(problem)
        };
        let channel = |name| {
            let names = self.channels.iter().map(|channel| channel.name.as_str());
            words::find("channel", name, names).map_err(problem)
        };
        let slot = |name| {
            let names = self.slots.iter().map(|slot| slot.name.as_str());
            words::find("slot", name, names).map_err(problem)
        };
        match text.get_ref().split_once('.') {
            None => buffer(text.get_ref()).map(Holding::Handle),
            Some((_, "view")) if !self.slots.is_empty() => {
                Err(problem(format!("`{}` beside a slot; expected a handle of the buffer", text.get_ref())))
            }
            Some((name, "view")) => buffer(name).map(Holding::View),
            Some((name, "tx")) => channel(name).map(Holding::SendEnd),
            Some((name, "rx")) => channel(name).map(Holding::ReceiveEnd),
            Some((name, "pub")) => slot(name).map(Holding::Publisher),
            Some((name, "sub")) => slot(name).map(Holding::Subscriber),
            Some(_) => Err(problem(format!(
                "a thread cannot hold `{}`; expected `BUFFER`, `BUFFER.view`, `CHANNEL.tx`, `CHANNEL.rx`, `SLOT.pub` or \
                 `SLOT.sub`",
                text.get_ref()
            ))),
        }
    }
}

fn check_interpreters(names: &Spanned<Vec<Spanned<String>>>) -> Checked<Vec<String>> {
    if names.get_ref().is_empty() {
        return Err(Problem::new(names.span().start, "no interpreters; expected at least one"));
    }
    at_most(MOST_INTERPRETERS, "interpreters", names.get_ref().iter())?;
    let mut checked = Vec::new();
    for name in names.get_ref() {
        let taken = checked.contains(name.get_ref());
        let well_formed = words::check_interpreter_name(name.get_ref());
        checked.push(check_new(name, taken, well_formed)?);
    }
    Ok(checked)
}

fn check_capacity(capacity: &Spanned<i64>) -> Checked<usize> {
    match usize::try_from(*capacity.get_ref()) {
        Ok(messages) if messages > 0 => Ok(messages),
        _ => Err(Problem::new(
            capacity.span().start,
            format!(
                "`capacity = {}`; expected at least 1, or no `capacity` for an unbounded channel",
                capacity.get_ref()
            ),
        )),
    }
}

fn check_undelivered(policy: &Spanned<String>) -> Checked<Undelivered> {
    let problem = |message| Problem::new(policy.span().start, format!("`undelivered`: {message}"));
    purpose::find_policy(policy.get_ref()).map_err(problem)
}

/// A name that must be well formed and not taken yet.
pub(super) fn check_new(name: &Spanned<String>, taken: bool, well_formed: Result<(), String>) -> Checked<String> {
    let problem = |message: String| Problem::new(name.span().start, message);
    well_formed.map_err(problem)?;
    if taken {
        return Err(problem(format!("`{}` is declared twice; expected a new name", name.get_ref())));
    }
    Ok(name.get_ref().clone())
}

/// Refuses more than `limit` things, where the first one beyond it stands.
pub(super) fn at_most<'a>(
    limit: usize,
    what: &str,
    things: impl ExactSizeIterator<Item = &'a Spanned<String>>,
) -> Checked<()> {
    let actual = things.len();
    let mut beyond = things.skip(limit);
    match beyond.next() {
        None => Ok(()),
        Some(first) => Err(Problem::new(first.span().start, format!("{actual} {what}; expected at most {limit}"))),
    }
}

/// The name, which the file's stem repeats.
pub(super) fn check_scenario_name(file: &str, name: &Spanned<String>) -> Checked<String> {
    let problem = |message: String| Problem::new(name.span().start, message);
    words::check_name("a scenario", name.get_ref()).map_err(problem)?;
    let stem = Path::new(file).file_stem().unwrap_or_default();
    if *stem != **name.get_ref() {
        return Err(problem(format!(
            "`{}` is not the name of this file; expected `{}`",
            name.get_ref(),
            stem.display()
        )));
    }
    Ok(name.get_ref().clone())
}

/// The sentence that says what the scenario is about.
pub(super) fn check_about(about: &Spanned<String>) -> Checked<String> {
    let sentence = about.get_ref().trim();
    if sentence.is_empty() {
        return Err(Problem::new(about.span().start, "`about` is blank; expected a sentence"));
    }
    Ok(sentence.to_owned())
}

/// How many returned buffers are handled together. The range that a scenario's few buffers can fill.
pub(super) fn check_batch(file: &File) -> Checked<usize> {
    let Some(batch) = &file.batch else { return Ok(1) };
    match *batch.get_ref() {
        2 => Ok(2),
        3 => Ok(3),
        other => {
            Err(Problem::new(batch.span().start, format!("`batch = {other}`; expected 2 or 3, or no `batch` for 1")))
        }
    }
}

/// The tier: `preemptions` stands beside `bounded` and nowhere else.
pub(super) fn check_tier(file: &File) -> Checked<Tier> {
    match (file.tier.get_ref(), &file.preemptions) {
        (TierName::Exhaustive, None) => Ok(Tier::Exhaustive),
        (TierName::Exhaustive, Some(preemptions)) => Err(Problem::new(
            preemptions.span().start,
            "`preemptions` in tier `exhaustive`; expected it only in tier `bounded`",
        )),
        (TierName::Bounded, None) => Err(Problem::new(
            file.tier.span().start,
            "tier `bounded` without `preemptions`; expected `preemptions = 2` or `preemptions = 3`",
        )),
        (TierName::Bounded, Some(preemptions)) => {
            Ok(Tier::Bounded { preemptions: check_preemptions("preemptions", preemptions)? })
        }
    }
}

/// A bound on preemptions: less shows nothing, more takes for ever.
pub(super) fn check_preemptions(key: &str, preemptions: &Spanned<i64>) -> Checked<usize> {
    match preemptions.get_ref() {
        2 => Ok(2),
        3 => Ok(3),
        other => Err(Problem::new(preemptions.span().start, format!("`{key} = {other}`; expected 2 or 3"))),
    }
}
