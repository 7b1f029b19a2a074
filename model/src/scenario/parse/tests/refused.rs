//! What the parser refuses: each malformed file with the exact message.

use super::{TEMPLATE, varied};
use crate::scenario::parse;

/// Replaces `from` in the template by `to` and expects `error`, which begins with the line.
pub(super) struct Case {
    from: &'static str,
    to: &'static str,
    error: &'static str,
}

pub(super) const fn case(from: &'static str, to: &'static str, error: &'static str) -> Case {
    Case { from, to, error }
}

pub(super) const SEND: &str = "\"send c.tx x\",";
pub(super) const READ: &str = "\"read v\",";

macro_rules! bad_name {
    ($start:literal) => {
        concat!($start, "; expected a lower-case letter, then lower-case letters, digits or `-`, at most 40 characters")
    };
}

macro_rules! bad_verb {
    ($start:literal, $hint:literal) => {
        concat!(
            $start,
            "; expected one of `send`, `try-send`, `send-timeout`, `recv`, `try-recv`, `recv-timeout`, `copy`, ",
            "`clone`, `slice`, `read`, `release`, `drop`, `thaw`, `close`, `undelivered`, `publish`, `peek`, `safepoint`, `attach`, `detach`, `end`, ",
            "`panic`",
            $hint
        )
    };
}

/// The message about a file, without its name in front.
pub(super) fn refusal(text: &str) -> String {
    match parse("t.toml", text) {
        Ok(_) => panic!("accepted, though it should not be:\n{text}"),
        Err(error) => {
            let shown = error.to_string();
            shown.strip_prefix("t.toml:").expect("the file stands in front").to_owned()
        }
    }
}

pub(super) fn check(cases: &[Case]) {
    for Case { from, to, error } in cases {
        assert_eq!(refusal(&varied(from, to)), *error);
    }
}

#[test]
fn malformed_toml_and_wrong_keys_are_refused() {
    check(&[
        case(r#"name = "t""#, r#"name = "t"#, r#"1: invalid basic string; expected `"`"#),
        case(r#"owner = "A""#, r#"owner = "A" "B""#, "8: unexpected key or value; expected newline, `#`"),
        case("tier = \"exhaustive\"\n", "", "1: missing field `tier`; expected it in this table"),
        case("owner = \"A\"\n", "", "6: missing field `owner`; expected it in this table"),
        case(
            r#"owner = "A""#,
            r#"ownr = "A""#,
            "8: unknown field `ownr`; expected `name` or `owner`; did you mean `owner`?",
        ),
        case("capacity = 2", "capacity = 2\ncapacity = 3", "13: duplicate key"),
        case("capacity = 2", "size = 2", "12: unknown field `size`; expected one of `name`, `capacity`, `undelivered`"),
        case(
            r#"in = "A""#,
            r#"inside = "A""#,
            "16: unknown field `inside`; expected one of `name`, `in`, `holds`, `steps`",
        ),
        case(
            r#"tier = "exhaustive""#,
            "tier = \"exhaustive\"\nseed = 1",
            "4: unknown field `seed`; expected one of `name`, `about`, `tier`, `preemptions`, `strategies`, `bounded-for`, `batch`, `defect`, `fault`, `interpreters`, `buffer`, `channel`, `slot`, `thread`",
        ),
        case(
            r#"tier = "exhaustive""#,
            r#"tier = "thorough""#,
            "3: `tier`: unknown variant `thorough`; expected `exhaustive` or `bounded`",
        ),
        case(r#"["A", "B"]"#, r#""A""#, r#"4: `interpreters`: invalid type: string "A"; expected a sequence"#),
        case(r#""read v""#, "7", "27: `steps`: invalid type: integer `7`; expected a string"),
    ]);
}

#[test]
fn wrong_heads_are_refused() {
    check(&[
        case(r#"name = "t""#, r#"name = "u""#, "1: `u` is not the name of this file; expected `t`"),
        case(r#"name = "t""#, r#"name = "T""#, bad_name!("1: `T` cannot name a scenario")),
        case(r#""Two threads meet.""#, r#"" ""#, "2: `about` is blank; expected a sentence"),
        case(
            r#""exhaustive""#,
            r#""bounded""#,
            "3: tier `bounded` without `preemptions`; expected `preemptions = 2` or `preemptions = 3`",
        ),
        case(
            r#""exhaustive""#,
            "\"exhaustive\"\npreemptions = 2",
            "4: `preemptions` in tier `exhaustive`; expected it only in tier `bounded`",
        ),
        case(r#""exhaustive""#, "\"bounded\"\npreemptions = 1", "4: `preemptions = 1`; expected 2 or 3"),
        case(r#""exhaustive""#, "\"exhaustive\"\nbatch = 1", "4: `batch = 1`; expected 2 or 3, or no `batch` for 1"),
        case(r#"["A", "B"]"#, "[]", "4: no interpreters; expected at least one"),
        case(
            r#"["A", "B"]"#,
            r#"["A", "b"]"#,
            "4: `b` cannot name an interpreter; expected a capital letter, then letters or digits, at most 40 characters",
        ),
        case(r#"["A", "B"]"#, r#"["A", "A"]"#, "4: `A` is declared twice; expected a new name"),
        case(
            r#"["A", "B"]"#,
            r#"["A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", "N", "O", "P", "Q"]"#,
            "4: 17 interpreters; expected at most 16",
        ),
    ]);
}

#[test]
fn wrong_buffers_and_channels_are_refused() {
    check(&[
        case(r#"name = "x""#, r#"name = "x.y""#, bad_name!("7: `x.y` cannot name a buffer")),
        case(r#"name = "x""#, r#"name = """#, bad_name!("7: `` cannot name a buffer")),
        case(
            r#"name = "x""#,
            r#"name = "a-name-of-more-than-forty-characters-is-long""#,
            bad_name!("7: `a-name-of-more-than-forty-characters-is-long` cannot name a buffer"),
        ),
        case(r#"owner = "A""#, r#"owner = "C""#, "8: unknown interpreter `C`; expected one of `A`, `B`"),
        case(r#"name = "c""#, r#"name = "x""#, "11: `x` is declared twice; expected a new name"),
        case(
            "capacity = 2",
            "capacity = 0",
            "12: `capacity = 0`; expected at least 1, or no `capacity` for an unbounded channel",
        ),
        case(
            "capacity = 2",
            "capacity = -1",
            "12: `capacity = -1`; expected at least 1, or no `capacity` for an unbounded channel",
        ),
        case(
            "[[channel]]",
            "[[buffer]]\nname = \"y\"\nowner = \"B\"\n\n[[channel]]",
            "11: nobody holds `y`; expected a thread with `y` or `y.view`",
        ),
    ]);
}

#[test]
fn wrong_threads_are_refused() {
    check(&[
        case(r#""receiver""#, r#""sender""#, "23: `sender` is declared twice; expected a new name"),
        case(r#""receiver""#, r#""Receiver""#, bad_name!("23: `Receiver` cannot name a thread")),
        case(
            r#"in = "A""#,
            r#"in = "AB""#,
            "16: unknown interpreter `AB`; expected one of `A`, `B`; did you mean `A`?",
        ),
        case(r#"["c.rx"]"#, r#"["d.rx"]"#, "24: unknown channel `d`; expected `c`"),
        case(r#"["c.rx"]"#, r#"["z.view"]"#, "24: unknown buffer `z`; expected `x`"),
        case(
            r#"["c.rx"]"#,
            r#"["c.rc"]"#,
            "24: a thread cannot hold `c.rc`; expected `BUFFER`, `BUFFER.view`, `CHANNEL.tx`, `CHANNEL.rx`, `SLOT.pub` or `SLOT.sub`",
        ),
        case(
            r#"["c.rx"]"#,
            r#"["c.rx", "c.rx"]"#,
            "24: `c.rx` is held twice by one thread; expected it once, and a step that makes another",
        ),
        case(
            r#"["x", "c.tx"]"#,
            r#"["x", "x", "c.tx"]"#,
            "17: `x` is held twice by one thread; expected it once, and a step that makes another",
        ),
        case(
            r#"["x", "c.tx"]"#,
            r#"["x", "c.tx", "c.rx"]"#,
            "24: `c.rx` is held by two threads; expected one receiver",
        ),
        case(
            "steps = [\n    \"recv c.rx v\",\n    \"read v\",\n]",
            "steps = []",
            "23: thread `receiver` has no steps; expected at least one",
        ),
    ]);
}

#[test]
fn malformed_steps_are_refused() {
    check(&[
        case(READ, r#""reed v","#, bad_verb!("27: unknown step `reed`", "; did you mean `read`?")),
        case(READ, r#""wait v","#, bad_verb!("27: unknown step `wait`", "")),
        case(READ, r#""read","#, "27: wrong operands in `read`; expected `read WHAT`"),
        case(READ, r#""read v v","#, "27: wrong operands in `read v v`; expected `read WHAT`"),
        case(READ, r#""recv c.rx","#, "27: wrong operands in `recv c.rx`; expected `recv END NAME`"),
        case(READ, r#"" ","#, "27: an empty step; expected a verb and its operands"),
        case(READ, r#""recv c.rx W","#, bad_name!("27: `W` cannot name a variable")),
    ]);
}

#[test]
fn unbalanced_blocks_are_refused() {
    check(&[
        case(READ, r#""attach B","#, "27: `attach B` is never ended; expected `end`"),
        case(READ, r#""attach B", "detach", "end","#, "27: `attach B` is never ended; expected `end`"),
        case(READ, r#""end","#, "27: `end` ends nothing; expected `attach` or `detach` before it"),
        case(READ, r#""attach C", "end","#, "27: unknown interpreter `C`; expected one of `A`, `B`"),
        case(READ, r#""safepoint","#, "27: `safepoint` outside any interpreter; expected it in a block of `attach`"),
        case(
            SEND,
            r#""detach", "safepoint", "end","#,
            "19: `safepoint` outside any interpreter; expected it in a block of `attach`",
        ),
        case(
            SEND,
            r#""detach", "send c.tx x", "end","#,
            "19: `x` is sent outside any interpreter; expected it in a block of `attach`",
        ),
        case(
            READ,
            r#""recv-timeout v w","#,
            "27: a deadline at `v`; expected an end that the thread holds from the start, like `c.rx`",
        ),
        case(READ, r#""panic v","#, "27: `panic` outside any interpreter; expected it in a block of `attach`"),
        case(
            SEND,
            r#""detach", "panic", "end","#,
            "19: `panic` outside any interpreter; expected it in a block of `attach`",
        ),
        case(SEND, r#""panic", "read x","#, "19: a step follows `panic`; expected `panic` to be the last of its block"),
        case(SEND, r#""panic", "end","#, "19: `end` ends nothing; expected `attach` or `detach` before it"),
        case(
            READ,
            r#""attach B", "panic v", "read v", "end","#,
            "27: a step follows `panic`; expected `panic` to be the last of its block",
        ),
    ]);
}

#[test]
fn misused_variables_are_refused() {
    check(&[
        case(READ, r#""read w","#, "27: unknown variable `w`; expected one of `c.rx`, `v`"),
        case(
            READ,
            r#""read c.tx","#,
            "27: unknown variable `c.tx`; expected one of `c.rx`, `v`; did you mean `c.rx`? \
             (what a thread has at the start stands in its `holds`)",
        ),
        case(READ, r#""read vv","#, "27: unknown variable `vv`; expected one of `c.rx`, `v`; did you mean `v`?"),
        case(READ, r#""recv c.rx v","#, "27: `v` is introduced twice; expected a name that is new in this thread"),
        case(
            SEND,
            r#""copy x c", "copy c.tx c","#,
            "19: `c` is introduced twice; expected a name that is new in this thread",
        ),
        case(READ, r#""read c.rx","#, "27: `c.rx` holds a receive end; expected a buffer handle, a view or a reading"),
        case(READ, r#""send c.rx v","#, "27: `c.rx` holds a receive end; expected a send end"),
        case(SEND, r#""recv c.tx v","#, "19: `c.tx` holds a send end; expected a receive end"),
        case(
            SEND,
            r#""send c.tx c.tx","#,
            "19: `c.tx` cannot travel through itself; expected another end of the channel, as `copy c.tx NAME` makes",
        ),
        case(READ, r#""thaw v","#, "27: `v` holds a view, a send end or a receive end; expected a buffer handle"),
        case(
            READ,
            r#""copy c.rx d","#,
            "27: `c.rx` holds a receive end; expected a buffer handle, a send end or a subscriber",
        ),
        case(SEND, r#""clone x y","#, "19: `x` holds a buffer handle; expected a view"),
        case(
            READ,
            r#""drop v", "read v","#,
            "27: `v` holds nothing any more; expected a buffer handle, a view or a reading",
        ),
        case(READ, r#""release v", "slice v w","#, "27: `v` holds a send end or a receive end; expected a view"),
        case(READ, r#""close c.rx", "try-recv c.rx w","#, "27: `c.rx` holds nothing any more; expected a receive end"),
        case(
            SEND,
            r#""panic x x","#,
            "19: `x` holds nothing any more; expected a buffer handle, a view, a send end, a receive end, a publisher, a subscriber or a reading",
        ),
        case(
            SEND,
            r#""detach", "thaw x", "end","#,
            "19: `thaw x` away from the owner of `x`; expected it attached to `A`",
        ),
        case(
            SEND,
            r#""attach B", "copy x y", "end","#,
            "19: `copy x` away from the owner of `x`; expected it attached to `A`",
        ),
    ]);
}

/// The template with `count` more tables or lines behind `from`.
fn grown(from: &str, count: usize, more: impl Fn(usize) -> String) -> String {
    let more: String = (0..count).map(more).collect();
    varied(from, &format!("{from}{more}"))
}

#[test]
fn sizes_are_limited() {
    let buffers = grown("owner = \"A\"\n", 6, |i| format!("[[buffer]]\nname = \"b{i}\"\nowner = \"A\"\n"));
    assert_eq!(refusal(&buffers), "25: 7 buffers; expected at most 6");
    let channels = grown("capacity = 2\n", 6, |i| format!("[[channel]]\nname = \"c{i}\"\n"));
    assert_eq!(refusal(&channels), "24: 7 channels; expected at most 6");
    let threads = grown("    \"read v\",\n]\n", 15, |i| format!("[[thread]]\nname = \"t{i}\"\nsteps = [\"panic\"]\n"));
    assert_eq!(refusal(&threads), "72: 17 threads; expected at most 16");
    let steps = grown("    \"read v\",\n", 23, |_| "    \"read v\",\n".to_owned());
    assert_eq!(refusal(&steps), "50: 25 steps; expected at most 24");
}

/// Loom has room for five threads, those of deadlines included: with more, a scenario is none for it.
#[test]
fn threads_and_deadlines_make_a_scenario_large() {
    let with = |timeouts| {
        let text = grown("    \"read v\",\n", timeouts, |i| format!("    \"recv-timeout c.rx w{i}\",\n"));
        parse("t.toml", &text).expect("well-formed")
    };
    assert!(!with(3).is_large());
    assert!(with(4).is_large());
}

#[test]
fn a_scenario_without_threads_is_refused() {
    let (head, _) = TEMPLATE.split_once("[[thread]]").expect("the template has threads");
    assert_eq!(refusal(head), "1: no threads; expected at least one `[[thread]]`");
}

#[test]
fn a_large_file_is_refused_unread() {
    let text = format!("{TEMPLATE}#{}", "=".repeat(64 * 1024 - TEMPLATE.len()));
    assert_eq!(refusal(&text), "1: more than 65536 bytes; expected at most so many");
    assert!(parse("t.toml", &text[..text.len() - 1]).is_ok());
}

#[test]
fn what_a_message_quotes_stays_on_its_line() {
    let text = varied(READ, "\"read \\u001b[2J\\u0007\",");
    assert_eq!(refusal(&text), r"27: unknown variable `\u{1b}[2J\u{7}`; expected one of `c.rx`, `v`");
}

#[test]
fn an_error_gives_its_parts() {
    let error = parse("dir/t.toml", &varied(READ, "\"end\",")).expect_err("`end` ends nothing");
    assert_eq!((error.file.as_str(), error.line), ("dir/t.toml", 27));
    assert_eq!(error.message, "`end` ends nothing; expected `attach` or `detach` before it");
    assert_eq!(error.to_string(), format!("dir/t.toml:27: {}", error.message));
}
