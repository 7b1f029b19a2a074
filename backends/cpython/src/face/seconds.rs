//! Numbers that Python passes: seconds, sizes.

use super::Context;
use crate::py::{Builtin, Ref, Result};
use std::time::Duration;

impl<'p> Context<'p> {
    /// A timeout in seconds; `None` is for ever, and so is what no clock reaches.
    pub(super) fn timeout(&self, seconds: Option<Ref<'p>>) -> Result<Option<Duration>> {
        let Some(seconds) = seconds.filter(|seconds| !seconds.is_none()) else { return Ok(None) };
        let seconds = seconds.to_float()?;
        if seconds.is_nan() || seconds < 0.0 {
            let message = format!("timeout must be a number of seconds of at least 0, or None; it is {seconds}");
            return Err(self.attached.raise_builtin(Builtin::Value, &message));
        }
        Ok(Duration::try_from_secs_f64(seconds).ok())
    }

    /// A number of something that cannot be negative.
    pub(super) fn size(&self, what: &str, value: Ref<'p>) -> Result<usize> {
        let value = value.to_index()?;
        usize::try_from(value).map_err(|_| {
            self.attached.raise_builtin(Builtin::Value, &format!("{what} must be at least 0; it is {value}"))
        })
    }

    /// One of several words.
    pub(super) fn word<T: Copy>(&self, what: &str, value: Ref<'p>, words: &[(&str, T)]) -> Result<T> {
        let word = value.to_text()?;
        words.iter().find(|(name, _)| *name == word).map(|&(_, meaning)| meaning).ok_or_else(|| {
            let names: Vec<String> = words.iter().map(|(name, _)| format!("'{name}'")).collect();
            let message = format!("{what} must be one of {}; it is '{word}'", names.join(", "));
            self.attached.raise_builtin(Builtin::Value, &message)
        })
    }
}
