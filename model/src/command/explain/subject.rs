//! What `viewchan explain` was asked about: a fault, or a scenario that names one, or a defect.

use super::{code_only, fill};
use viewchan_model::fault::CodeFault;
use viewchan_model::job::{is_path, load};
use viewchan_model::scenario::{Scenario, shipped};
use viewchan_model::spec::Fault;

/// A fault, and where to look.
#[derive(Debug)]
pub(super) struct Subject {
    /// The fault's name.
    pub(super) name: String,
    /// The fault of the specification with this name.
    pub(super) fault: Option<Fault>,
    /// The fault of the real code with this name. One of the two is there.
    pub(super) code: Option<CodeFault>,
    /// The scenario to look at; all shipped ones if there is none.
    pub(super) origin: Option<String>,
}

impl Subject {
    /// What a name means: a fault's, a scenario's, a defect's. `width` is that of the error about one that means nothing.
    ///
    /// # Errors
    ///
    /// When it means nothing, or a scenario without a fault, or a scenario though another one is given.
    pub(super) fn find(name: &str, scenario: Option<&str>, width: usize) -> Result<Self, String> {
        if let Some(subject) = Self::named(name, scenario) {
            return Ok(subject);
        }
        let found = if is_path(name) { Some((name.to_owned(), load(name)?)) } else { shipped_as(name) };
        let Some((origin, found)) = found else { return Err(unknown(name, width)) };
        if scenario.is_some() {
            return Err(format!("{name} stands for the scenario {origin} already: leave --scenario out"));
        }
        let fault = found.fault.ok_or_else(|| {
            format!(
                "the scenario {origin} names no fault: `viewchan explain FAULT --scenario {origin}` tries one on it"
            )
        })?;
        Self::named(&fault, Some(&origin)).ok_or_else(|| unknown(&fault, width))
    }

    fn named(name: &str, origin: Option<&str>) -> Option<Self> {
        let (fault, code) = (Fault::from_name(name), CodeFault::from_name(name));
        let is_known = fault.is_some() || code.is_some();
        is_known.then(|| Self { name: name.to_owned(), fault, code, origin: origin.map(str::to_owned) })
    }
}

/// The shipped scenario with this name, or of this defect, together with its name.
fn shipped_as(name: &str) -> Option<(String, Scenario)> {
    let mut scenarios = shipped().into_iter();
    let is_it = |scenario: &Scenario| {
        let defect = scenario.defect.as_deref();
        scenario.name == name || defect.is_some_and(|defect| defect.eq_ignore_ascii_case(name))
    };
    scenarios.find(is_it).map(|scenario| (scenario.name.clone(), scenario))
}

/// The error about a name that means nothing: what may have been meant, and what there is.
fn unknown(name: &str, width: usize) -> String {
    let known: Vec<&str> =
        Fault::ALL.iter().map(|fault| fault.name()).chain(code_only().map(|code| code.name)).collect();
    let hint = nearest(name, &known).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
    let known = fill(&format!("The faults are: {}", known.join(", ")), width, "  ");
    format!(
        "there is no fault {name:?}, nor a scenario or a defect (D1 to D14) of that name{hint}\n{}",
        known.trim_end()
    )
}

/// The known name that is most like the one given, if any is.
fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let rated = known.iter().map(|&candidate| (strsim::jaro_winkler(name, candidate), candidate));
    let likely = rated.filter(|&(likeness, _)| likeness > 0.8);
    likely.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::{Subject, nearest, unknown};
    use viewchan_model::scenario::shipped;
    use viewchan_model::spec::Fault;

    fn found(name: &str, scenario: Option<&str>) -> Result<(String, Option<String>), String> {
        Subject::find(name, scenario, 100).map(|subject| (subject.name, subject.origin))
    }

    #[test]
    fn a_fault_is_looked_for_where_it_was_asked_for() {
        assert_eq!(found("lifo-order", None), Ok(("lifo-order".to_owned(), None)));
        let on_relay = Ok(("lifo-order".to_owned(), Some("relay".to_owned())));
        assert_eq!(found("lifo-order", Some("relay")), on_relay);
    }

    #[test]
    fn a_scenario_and_its_defect_stand_for_its_fault() {
        for scenario in shipped() {
            let Some(fault) = scenario.fault else {
                let says = format!("the scenario {} names no fault: ", scenario.name);
                assert!(found(&scenario.name, None).expect_err("no fault").starts_with(&says));
                continue;
            };
            let expected = Ok((fault, Some(scenario.name.clone())));
            assert_eq!(found(&scenario.name, None), expected);
            for defect in scenario.defect.iter().flat_map(|defect| [defect.clone(), defect.to_lowercase()]) {
                assert_eq!(found(&defect, None), expected);
            }
            let says = format!("{0} stands for the scenario {0} already: leave --scenario out", scenario.name);
            assert_eq!(found(&scenario.name, Some("relay")), Err(says));
        }
    }

    #[test]
    fn a_slip_is_understood() {
        let names: Vec<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
        assert_eq!(nearest("own-lock-keept", &names), Some("own-lock-kept"));
        assert_eq!(nearest("lock-own", &["own-lock-kept"]), None);
        assert_eq!(nearest("", &names), None);
        let error = unknown("thaw-ignore-view", 100);
        let beginning = "there is no fault \"thaw-ignore-view\", nor a scenario or a defect (D1 to D14) of that name; did you mean thaw-ignores-views?\nThe faults are: ";
        assert!(error.starts_with(beginning), "{error}");
    }
}
