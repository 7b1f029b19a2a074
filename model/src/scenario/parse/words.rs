//! Names, and the messages about them.

use super::error::{Checked, Problem};
use toml::Spanned;

/// The longest name, in characters.
const LONGEST_NAME: usize = 40;

/// A name of a scenario, buffer, channel, thread or variable: `[a-z][a-z0-9-]*`.
pub(super) fn check_name(what: &str, name: &str) -> Result<(), String> {
    let first = |c: char| c.is_ascii_lowercase();
    let rest = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if is_made_of(name, first, rest) {
        return Ok(());
    }
    Err(format!(
        "`{name}` cannot name {what}; expected a lower-case letter, then lower-case letters, digits or `-`, \
         at most {LONGEST_NAME} characters"
    ))
}

/// A name of an interpreter: `[A-Z][A-Za-z0-9]*`.
pub(super) fn check_interpreter_name(name: &str) -> Result<(), String> {
    let first = |c: char| c.is_ascii_uppercase();
    let rest = |c: char| c.is_ascii_alphanumeric();
    if is_made_of(name, first, rest) {
        return Ok(());
    }
    Err(format!(
        "`{name}` cannot name an interpreter; expected a capital letter, then letters or digits, \
         at most {LONGEST_NAME} characters"
    ))
}

fn is_made_of(name: &str, first: impl Fn(char) -> bool, rest: impl Fn(char) -> bool) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(first) && characters.all(rest) && name.len() <= LONGEST_NAME
}

/// The index of a declared name.
pub(super) fn index_of<'a>(
    what: &str,
    name: &Spanned<String>,
    declared: impl Iterator<Item = &'a str> + Clone,
) -> Checked<usize> {
    find(what, name.get_ref(), declared).map_err(|message| Problem::new(name.span().start, message))
}

/// The index of a name among those that are known.
pub(super) fn find<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Result<usize, String> {
    known.clone().position(|candidate| candidate == name).ok_or_else(|| unknown(what, name, &known.collect::<Vec<_>>()))
}

/// The message about a name that is not among those that are known.
pub(super) fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    let expected = match known {
        [] => format!("a known {what}, and there is none"),
        [only] => format!("`{only}`"),
        _ => format!("one of {}", quoted(known)),
    };
    let hint = if known.len() > 1 { did_you_mean(name, known) } else { String::new() };
    format!("unknown {what} `{name}`; expected {expected}{hint}")
}

/// The end of a message about a name that is like a known one; nothing if there is no such.
pub(super) fn did_you_mean(name: &str, known: &[&str]) -> String {
    nearest(name, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

/// Names in backticks with commas between them.
fn quoted(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// The known name that a slip of one or two characters could have meant.
fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let longest_slip = 2.min(name.chars().count().saturating_sub(1));
    known
        .iter()
        .filter(|candidate| candidate.len().abs_diff(name.len()) <= longest_slip)
        .map(|&candidate| (edits(name, candidate), candidate))
        .filter(|&(edits, _)| edits <= longest_slip)
        .min_by_key(|&(edits, _)| edits)
        .map(|(_, candidate)| candidate)
}

/// The least number of characters to insert, delete or replace (Levenshtein's distance).
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::{edits, nearest};

    #[test]
    fn edits_counts_insertions_deletions_and_replacements() {
        assert_eq!(edits("recv", "recv"), 0);
        assert_eq!(edits("", "recv"), 4);
        assert_eq!(edits("recieve", "recv"), 3);
        assert_eq!(edits("send", "sned"), 2);
        assert_eq!(edits("slic", "slice"), 1);
    }

    #[test]
    fn nearest_prefers_the_smallest_slip_and_gives_up_after_two() {
        assert_eq!(nearest("reed", &["recv", "read", "end"]), Some("read"));
        assert_eq!(nearest("thunder", &["thaw", "send"]), None);
        assert_eq!(nearest("v", &["w", "x"]), None);
    }
}
