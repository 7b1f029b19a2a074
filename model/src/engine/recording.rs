//! A failing schedule of shuttle, kept in a file: what it is of, what failed, and the schedule.
//!
//! A schedule means the same only as long as the scheduling points are the same. So it names the version of shuttle, as does
//! the name of its file, and another version is refused. Whether it fits the code shows when it is replayed.

use crate::fault::Planted;
use crate::load::must_be_regular;
use crate::scenario::{Scenario, Strategy};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The version of shuttle that this package is built with. A test compares it with the lock file.
pub const SHUTTLE: &str = "0.9.9";

/// A file with a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// The version of shuttle.
    pub shuttle: String,
    /// The scenario's name.
    pub scenario: String,
    /// The strategy's name.
    pub strategy: String,
    /// What was put into the code: a fault's name, `none` for the strategy without a flaw, `-` for nothing.
    pub planted: String,
    /// The scheduler that found it, with the depth of `pct`.
    pub scheduler: String,
    /// Its seed.
    pub seed: u64,
    /// The guarantee that was broken, if one could be named.
    pub guarantee: Option<String>,
    /// What was said.
    pub why: String,
    /// The schedule, as shuttle writes it.
    pub schedule: String,
}

impl Recording {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is no such file, or is one of another version of shuttle. The message names it.
    pub fn read(file: &Path) -> Result<Self, String> {
        let name = file.display();
        let text = read(file).map_err(|error| format!("{name}: {error}"))?;
        let read: Self = toml::from_str(&text).map_err(|error| {
            let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
            format!("{name}:{line}: {}; expected a schedule that `viewchan check` wrote", error.message())
        })?;
        if read.shuttle != SHUTTLE {
            let version = read.shuttle;
            return Err(format!(
                "{name}: a schedule of shuttle {version}; this build has {SHUTTLE}, to which it means nothing"
            ));
        }
        Ok(read)
    }

    /// What was put into the code.
    ///
    /// # Errors
    ///
    /// When there is no such fault.
    pub fn planted(&self) -> Result<Planted, String> {
        Planted::from_name(&self.planted)
    }

    /// That it is of this scenario and strategy.
    ///
    /// # Errors
    ///
    /// When it is not: of which it is.
    pub fn must_be_of(&self, scenario: &Scenario, strategy: Strategy) -> Result<(), String> {
        let (name, strategy) = (&scenario.name, strategy.name());
        if self.scenario != *name || self.strategy != strategy {
            let Self { scenario: its, strategy: under, .. } = self;
            return Err(format!("this is a schedule of {its} under {under}, not of {name} under {strategy}"));
        }
        Ok(())
    }

    /// The name of its file: all that leads to it, so that the same run writes the same file.
    pub fn file_name(&self) -> String {
        let Self { scenario, strategy, planted, scheduler, seed, shuttle, .. } = self;
        let planted = if planted == "-" { String::new() } else { format!("{planted}-") };
        let scheduler = scheduler.replace(':', "-");
        format!("{planted}{scenario}-{strategy}-{scheduler}-seed-{seed}-shuttle-{shuttle}.toml")
    }

    /// Writes it into a directory, which is made if there is none. Returns the file.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write(&self, directory: &Path) -> io::Result<PathBuf> {
        fs::create_dir_all(directory)?;
        let file = directory.join(self.file_name());
        fs::write(&file, toml::to_string(self).expect("plain data"))?;
        Ok(file)
    }
}

fn read(file: &Path) -> io::Result<String> {
    must_be_regular(file, "a schedule")?;
    fs::read_to_string(file)
}
