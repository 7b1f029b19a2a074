//! What a scenario is for: strategies, bounds, defect, fault, and what becomes of undelivered messages.

use std::collections::BTreeMap;

use super::refused::{READ, SEND, case, check, refusal};
use super::{TEMPLATE, accepted, varied};
use crate::scenario::{Scenario, Step, Strategy, Tier, Undelivered};
use crate::spec::Fault;

const TIER: &str = "tier = \"exhaustive\"\n";

/// The template with more keys behind its tier.
fn with(keys: &str) -> String {
    varied(TIER, &format!("{TIER}{keys}\n"))
}

fn strategies(scenario: &Scenario) -> Vec<&'static str> {
    scenario.strategies.iter().map(|strategy| strategy.name()).collect()
}

#[test]
fn without_a_word_a_scenario_with_buffers_is_for_every_strategy_of_channels() {
    assert_eq!(strategies(&accepted(TEMPLATE)), ["shared", "proxy", "view", "handover", "deferred"]);
    let without = TEMPLATE
        .replace("[[buffer]]\nname = \"x\"\nowner = \"A\"\n", "")
        .replace("\"x\", \"c.tx\"", "\"c.tx\"")
        .replace("send c.tx x", "drop c.tx");
    assert_eq!(strategies(&accepted(&without)), ["view"]);
}

#[test]
fn strategies_are_read_into_their_order() {
    assert_eq!(strategies(&accepted(&with(r#"strategies = ["deferred", "proxy"]"#))), ["proxy", "deferred"]);
}

#[test]
fn some_strategies_may_be_bounded() {
    let scenario = accepted(&with("bounded-for = { deferred = 3, view = 2 }"));
    assert_eq!(scenario.bounded_for, BTreeMap::from([(Strategy::View, 2), (Strategy::Deferred, 3)]));
    assert_eq!(scenario.tier(Strategy::Deferred), Tier::Bounded { preemptions: 3 });
    assert_eq!(scenario.tier(Strategy::Shared), Tier::Exhaustive);
}

#[test]
fn defect_and_fault_are_read() {
    let scenario = accepted(&with("defect = \"D14\"\nfault = \"double-release\""));
    assert_eq!((scenario.defect.as_deref(), scenario.fault.as_deref()), (Some("D14"), Some("double-release")));
    assert_eq!((accepted(TEMPLATE).defect, accepted(TEMPLATE).fault), (None, None));
    for fault in Fault::ALL {
        accepted(&with(&format!("fault = \"{fault}\"")));
    }
}

#[test]
fn a_channel_has_a_policy() {
    assert_eq!(accepted(TEMPLATE).channels[0].undelivered, Undelivered::Deliver);
    for policy in Undelivered::ALL {
        let text = varied("capacity = 2", &format!("undelivered = \"{}\"", policy.name()));
        assert_eq!(accepted(&text).channels[0].undelivered, policy);
    }
}

#[test]
fn ends_and_policies_are_steps() {
    let text = varied(SEND, r#""undelivered c.tx remove", "end B", "send c.tx x", "end A","#);
    let Step::Attach { body, .. } = &accepted(&text).threads[0].steps[0].step else { panic!("`in` is an attach") };
    assert_eq!(body[0].step, Step::Undelivered { end: 1, policy: Undelivered::Remove });
    assert_eq!(body[1].step, Step::End { interpreter: 1 });
    assert_eq!(body[3].step, Step::End { interpreter: 0 });
    let text = varied(READ, r#""attach A", "end B", "end", "end A", "read v","#);
    let steps = &accepted(&text).threads[1].steps;
    assert_eq!(
        steps.iter().map(|located| located.text.as_str()).collect::<Vec<_>>(),
        ["recv c.rx v", "attach A", "end A", "read v"]
    );
}

macro_rules! bad_strategy {
    ($start:literal, $hint:literal) => {
        concat!($start, "; expected one of `shared`, `proxy`, `view`, `handover`, `deferred`", $hint)
    };
}

#[test]
fn wrong_strategies_are_refused() {
    let cases = [
        ("strategies = []", "4: `strategies` is empty; expected at least one, or no such key"),
        ("strategies = [\"view\", \"view\"]", "4: `view` twice in `strategies`; expected it once"),
        (
            "strategies = [\"view\",\n\"defered\"]",
            bad_strategy!("5: `strategies`: unknown strategy `defered`", "; did you mean `deferred`?"),
        ),
        ("strategies = [\"epoch\"]", bad_strategy!("4: `strategies`: unknown strategy `epoch`", "")),
        ("strategies = \"view\"", "4: `strategies`: invalid type: string \"view\"; expected a sequence"),
        ("bounded-for = { gift = 2 }", bad_strategy!("4: `bounded-for`: unknown strategy `gift`", "")),
        ("bounded-for = { view = 4 }", "4: `view = 4`; expected 2 or 3"),
        ("bounded-for = { view = \"2\" }", "4: `view`: invalid type: string \"2\"; expected i64"),
        ("bounded-for = 2", "4: `bounded-for`: invalid type: integer `2`; expected a map"),
        (
            "strategies = [\"view\"]\nbounded-for = { proxy = 2 }",
            "5: `bounded-for`: the scenario is not for `proxy`; expected a strategy of `strategies`",
        ),
    ];
    for (keys, error) in cases {
        assert_eq!(refusal(&with(keys)), error);
    }
    let bounded = varied(TIER, "tier = \"bounded\"\npreemptions = 2\nbounded-for = { view = 2 }\n");
    let error = "5: `bounded-for` in tier `bounded`; expected it only in tier `exhaustive`";
    assert_eq!(refusal(&bounded), error);
}

#[test]
fn wrong_defects_and_faults_are_refused() {
    for defect in ["D0", "D15", "d1", "D01", "D", ""] {
        let error = format!("4: `defect = \"{defect}\"`; expected `D1` to `D14`");
        assert_eq!(refusal(&with(&format!("defect = \"{defect}\""))), error);
    }
    let error = "`; expected a fault of the specification, as `viewchan list faults` shows them";
    assert_eq!(
        refusal(&with("fault = \"double-relese\"")),
        format!("4: `fault`: unknown fault `double-relese{error}; did you mean `double-release`?")
    );
    assert_eq!(refusal(&with("fault = \"warp\"")), format!("4: `fault`: unknown fault `warp{error}"));
    assert_eq!(refusal(&with("fault = 1")), "4: `fault`: invalid type: integer `1`; expected a string");
}

#[test]
fn wrong_policies_and_ends_are_refused() {
    check(&[
        case(
            "capacity = 2",
            "undelivered = \"keep\"",
            "12: `undelivered`: unknown policy `keep`; expected one of `deliver`, `error`, `remove`",
        ),
        case("capacity = 2", "undelivered = 2", "12: `undelivered`: invalid type: integer `2`; expected a string"),
        case(
            SEND,
            r#""undelivered c.tx eror","#,
            "19: unknown policy `eror`; expected one of `deliver`, `error`, `remove`; did you mean `error`?",
        ),
        case(
            SEND,
            r#""undelivered c.tx","#,
            "19: wrong operands in `undelivered c.tx`; expected `undelivered END POLICY`",
        ),
        case(READ, r#""undelivered c.rx error","#, "27: `c.rx` holds a receive end; expected a send end"),
        case(READ, r#""end C","#, "27: unknown interpreter `C`; expected one of `A`, `B`"),
        case(READ, r#""end A B","#, "27: wrong operands in `end A B`; expected `end INTERPRETER` or `end`"),
    ]);
}
