//! What the parser accepts. What it refuses is in [`refused`].

mod purpose;
mod refused;

use super::parse;
use crate::scenario::{Holding, Located, Patience, Scenario, SlotDecl, Step, Strategy, Tier};

/// A small scenario that the tests vary.
const TEMPLATE: &str = r#"name = "t"
about = "Two threads meet."
tier = "exhaustive"
interpreters = ["A", "B"]

[[buffer]]
name = "x"
owner = "A"

[[channel]]
name = "c"
capacity = 2

[[thread]]
name = "sender"
in = "A"
holds = ["x", "c.tx"]
steps = [
    "send c.tx x",
]

[[thread]]
name = "receiver"
holds = ["c.rx"]
steps = [
    "recv c.rx v",
    "read v",
]
"#;

/// The template with its only occurrence of `from` replaced.
fn varied(from: &str, to: &str) -> String {
    assert_eq!(TEMPLATE.matches(from).count(), 1, "{from:?} is not unique in the template");
    TEMPLATE.replace(from, to)
}

fn accepted(text: &str) -> Scenario {
    parse("dir/t.toml", text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The steps of a sender that holds `x`, `c.tx` and `x.view`, attached to nobody.
fn sender_steps(steps: &str) -> (Vec<String>, Vec<Located>) {
    let text = varied("in = \"A\"\nholds = [\"x\", \"c.tx\"]", "holds = [\"x\", \"c.tx\", \"x.view\"]")
        .replace("\"send c.tx x\",", steps);
    let sender = accepted(&text).threads.swap_remove(0);
    (sender.variables, sender.steps)
}

fn located(step: Step, text: &str, line: usize) -> Located {
    Located { step, text: text.to_owned(), line }
}

#[test]
fn the_template_is_read_completely() {
    let scenario = accepted(TEMPLATE);
    assert_eq!(scenario.name, "t");
    assert_eq!(scenario.about, "Two threads meet.");
    assert_eq!(scenario.tier, Tier::Exhaustive);
    assert_eq!(scenario.interpreters, ["A", "B"]);
    assert_eq!((scenario.buffers[0].name.as_str(), scenario.buffers[0].owner), ("x", 0));
    assert_eq!((scenario.channels[0].name.as_str(), scenario.channels[0].capacity), ("c", Some(2)));

    let [sender, receiver] = &scenario.threads[..] else { panic!("two threads") };
    assert_eq!((sender.name.as_str(), receiver.name.as_str()), ("sender", "receiver"));
    assert_eq!(sender.variables, ["x", "c.tx"]);
    assert_eq!(sender.holds, [Holding::Handle(0), Holding::SendEnd(0)]);
    assert_eq!(receiver.variables, ["c.rx", "v"]);
    assert_eq!(receiver.holds, [Holding::ReceiveEnd(0)]);
}

#[test]
fn in_becomes_an_attach_around_all_steps() {
    let send = Step::Send { end: 1, what: 0, patience: Patience::Forever };
    let attach = Step::Attach { interpreter: 0, body: vec![located(send, "send c.tx x", 19)], unwind: None };
    assert_eq!(accepted(TEMPLATE).threads[0].steps, [located(attach, "attach A", 16)]);
}

#[test]
fn each_verb_becomes_its_step() {
    let (variables, steps) = sender_steps(
        r#""attach B", "try-send c.tx x", "send-timeout c.tx x", "end", "read x", "clone x.view y", "slice y z", "release y",
           "drop z", "copy c.tx e", "close e","#,
    );
    assert_eq!(variables, ["x", "c.tx", "x.view", "y", "z", "e"]);
    let opened = |located: Located| match located.step {
        Step::Attach { body, .. } => body,
        _ => vec![located],
    };
    let steps: Vec<Step> = steps.into_iter().flat_map(opened).map(|located| located.step).collect();
    assert_eq!(
        steps,
        [
            Step::Send { end: 1, what: 0, patience: Patience::Never },
            Step::Send { end: 1, what: 0, patience: Patience::Deadline },
            Step::Read { what: 0 },
            Step::Clone { view: 2, into: 3 },
            Step::Slice { view: 3, into: 4 },
            Step::Release { view: 3 },
            Step::Drop { what: 4 },
            Step::Copy { what: 1, into: 5 },
            Step::Close { end: 5 },
        ]
    );
}

#[test]
fn each_way_to_receive_has_its_patience() {
    let text = varied("\"read v\",", "\"try-recv c.rx w\", \"recv-timeout c.rx u\",");
    let steps = accepted(&text).threads.swap_remove(1).steps;
    let steps: Vec<Step> = steps.into_iter().map(|located| located.step).collect();
    assert_eq!(
        steps,
        [
            Step::Receive { end: 0, into: 1, patience: Patience::Forever },
            Step::Receive { end: 0, into: 2, patience: Patience::Never },
            Step::Receive { end: 0, into: 3, patience: Patience::Deadline },
        ]
    );
}

#[test]
fn blocks_nest_and_end_in_order() {
    let (_, steps) = sender_steps("\"attach A\", \"thaw x\", \"detach\", \"attach B\", \"end\", \"end\", \"end\",");
    let inner = Step::Attach { interpreter: 1, body: vec![], unwind: None };
    let detach = Step::Detach { body: vec![located(inner, "attach B", 18)] };
    let body = vec![located(Step::Thaw { handle: 0 }, "thaw x", 18), located(detach, "detach", 18)];
    let outer = Step::Attach { interpreter: 0, body, unwind: None };
    assert_eq!(steps, [located(outer, "attach A", 18)]);
}

const SLOT: &str = r#"name = "t"
about = "A value is read while it is published."
tier = "exhaustive"
interpreters = ["A"]

[[buffer]]
name = "x"
owner = "A"

[[slot]]
name = "s"

[[thread]]
name = "publisher"
in = "A"
holds = ["x", "s.pub"]
steps = ["publish s.pub x"]

[[thread]]
name = "reader"
holds = ["s.sub"]
steps = ["copy s.sub t", "peek t r", "read r", "release r", "drop t"]
"#;

#[test]
fn a_slot_is_published_and_read() {
    let scenario = accepted(SLOT);
    assert_eq!(scenario.strategies, [Strategy::Epoch]);
    assert_eq!(scenario.slots, [SlotDecl { name: "s".to_owned() }]);
    let [publisher, reader] = scenario.threads.as_slice() else { panic!("{scenario:?}") };
    assert_eq!(publisher.holds, [Holding::Handle(0), Holding::Publisher(0)]);
    assert_eq!(publisher.steps[0].step.body()[0].step, Step::Publish { publisher: 1, what: 0 });
    assert_eq!(reader.holds, [Holding::Subscriber(0)]);
    assert_eq!(reader.variables, ["s.sub", "t", "r"]);
    let steps: Vec<&Step> = reader.steps.iter().map(|located| &located.step).collect();
    let expected = [
        &Step::Copy { what: 0, into: 1 },
        &Step::Peek { subscriber: 1, into: 2 },
        &Step::Read { what: 2 },
        &Step::Release { view: 2 },
        &Step::Drop { what: 1 },
    ];
    assert_eq!(steps, expected);
    accepted(&SLOT.replace("interpreters", "strategies = [\"epoch\"]\ninterpreters"));
    let bounded = accepted(&SLOT.replace("interpreters", "bounded-for = { epoch = 2 }\ninterpreters"));
    assert_eq!(bounded.tier(Strategy::Epoch), Tier::Bounded { preemptions: 2 });
}

#[test]
fn a_slot_keeps_to_itself() {
    let refused = |from: &str, to: &str| refused::refusal(&SLOT.replace(from, to));
    let beside = refused("[[slot]]", "[[channel]]\nname = \"c\"\n\n[[slot]]");
    assert_eq!(beside, "14: a slot `s` beside a channel; expected slots or channels, not both");
    let view = refused("\"x\", \"s.pub\"", "\"x.view\", \"s.pub\"");
    assert_eq!(view, "16: `x.view` beside a slot; expected a handle of the buffer");
    let strategy = refused("interpreters", "strategies = [\"view\"]\ninterpreters");
    assert_eq!(strategy, "4: `strategies` beside the slot `s`; expected [\"epoch\"], or no such key");
    let twice = refused("holds = [\"s.sub\"]", "holds = [\"s.sub\", \"s.pub\"]");
    assert_eq!(twice, "21: `s.pub` is held by two threads; expected one publisher");
    let name = refused("name = \"s\"", "name = \"x\"");
    assert_eq!(name, "11: `x` is declared twice; expected a new name");
    let outside = refused("in = \"A\"\n", "");
    assert_eq!(outside, "16: `x` is published outside any interpreter; expected it in a block of `attach`");
    let wrong = refused("peek t r", "peek s r");
    assert!(wrong.starts_with("22: unknown variable `s`"), "{wrong}");
    let wrong = refused("publish s.pub x", "peek s.pub r");
    assert_eq!(wrong, "17: `s.pub` holds a publisher; expected a subscriber");
    let gone = refused("\"drop t\"", "\"read r\"");
    assert_eq!(gone, "22: `r` holds nothing any more; expected a buffer handle, a view or a reading");
}

#[test]
fn panic_ends_a_block() {
    let (_, steps) = sender_steps("\"attach B\", \"panic x.view x\", \"end\",");
    let attach = Step::Attach { interpreter: 1, body: vec![], unwind: Some(vec![2, 0]) };
    assert_eq!(steps, [located(attach, "attach B", 18)]);
}

#[test]
fn panic_ends_a_thread_with_in() {
    let scenario = accepted(&varied("\"send c.tx x\",", "\"safepoint\", \"panic\","));
    let body = vec![located(Step::Safepoint, "safepoint", 19)];
    let attach = Step::Attach { interpreter: 0, body, unwind: Some(vec![]) };
    assert_eq!(scenario.threads[0].steps, [located(attach, "attach A", 16)]);
}

#[test]
fn a_received_thing_may_be_anything_that_travels() {
    accepted(&varied("\"read v\",", "\"release v\", \"drop v\","));
    accepted(&varied("\"read v\",", "\"attach B\", \"send v c.rx\", \"end\", \"recv v w\", \"close v\","));
}

#[test]
fn an_own_receive_end_may_be_sent() {
    accepted(
        &varied("[\"c.rx\"]", "[\"c.rx\", \"c.tx\"]")
            .replace("\"read v\"", "\"attach B\", \"send c.tx c.rx\", \"end\""),
    );
}

#[test]
fn capacity_and_preemptions_are_read() {
    assert_eq!(accepted(&varied("capacity = 2\n", "")).channels[0].capacity, None);
    for preemptions in [2, 3] {
        let text = varied("\"exhaustive\"", &format!("\"bounded\"\npreemptions = {preemptions}"));
        assert_eq!(accepted(&text).tier, Tier::Bounded { preemptions });
    }
}

#[test]
fn steps_are_counted_through_blocks() {
    let text = varied(
        "\"send c.tx x\",",
        "\"detach\", \"attach B\", \"send-timeout c.tx x\", \"end\", \"end\", \"safepoint\",",
    )
    .replace("\"recv c.rx v\"", "\"recv-timeout c.rx v\"");
    let scenario = accepted(&text);
    let texts: Vec<&str> = scenario.threads[0].preorder().iter().map(|located| located.text.as_str()).collect();
    assert_eq!(texts, ["attach A", "detach", "attach B", "send-timeout c.tx x", "safepoint"]);
    assert_eq!((scenario.threads[0].timeouts(), scenario.timeouts()), (1, 2));
}

#[test]
fn holders_are_counted() {
    let scenario = accepted(&varied("[\"c.rx\"]", "[\"c.rx\", \"c.tx\"]"));
    assert_eq!(scenario.holders(Holding::SendEnd(0)), 2);
    assert_eq!(scenario.holders(Holding::ReceiveEnd(0)), 1);
    assert_eq!(scenario.holders(Holding::View(0)), 0);
}

#[test]
fn a_file_from_another_system_has_the_same_lines() {
    let scenario = accepted(&TEMPLATE.replace('\n', "\r\n"));
    assert_eq!(scenario, accepted(TEMPLATE));
}

#[test]
fn the_example_of_the_documentation_parses() {
    let lines = include_str!("../mod.rs").lines();
    let fenced = lines.skip_while(|line| *line != "//! ```toml").skip(1).take_while(|line| *line != "//! ```");
    let example: Vec<&str> = fenced.map(|line| line.strip_prefix("//!").unwrap_or(line).trim_start()).collect();
    let scenario = parse("one-message.toml", &example.join("\n")).expect("the example is well formed");
    assert_eq!(scenario.threads.len(), 2);
}
