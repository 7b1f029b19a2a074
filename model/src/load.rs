//! Where scenarios come from: they ship with the crate, or stand in a file.

use crate::scenario::{MOST_BYTES, Scenario, crowd, parse, shipped};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// Whether an origin is the path of a scenario file, rather than a shipped scenario's name.
pub fn is_path(origin: &str) -> bool {
    origin.ends_with(".toml")
}

/// Loads a scenario: a shipped one by its name, a [crowd] by its size, any other from its file, whose path ends in `.toml`.
///
/// # Errors
///
/// When there is no such scenario, the file cannot be read, or it is malformed. The message says which and where.
pub fn load(origin: &str) -> Result<Scenario, String> {
    if is_path(origin) {
        let text = read(origin).map_err(|error| format!("{origin}: {error}"))?;
        return parse(origin, &text).map_err(|error| error.to_string());
    }
    if let Some(crowd) = crowd::named(origin) {
        return crowd;
    }
    let shipped = shipped().into_iter().find(|scenario| scenario.name == origin);
    shipped.ok_or_else(|| {
        format!("no shipped scenario is named {origin:?}; `viewchan list` shows them, a path ends in .toml")
    })
}

/// Reads a regular file, and of a file that is too long no more than the parser needs to refuse it.
fn read(path: &str) -> io::Result<String> {
    must_be_regular(path, "a scenario file")?;
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MOST_BYTES {
        // A character that was cut in two is no reason to complain about anything but the length.
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("not UTF-8: {error}")))
}

/// Before a file is opened: to open a pipe is to wait for its writer, and a device has no end.
pub(crate) fn must_be_regular(path: impl AsRef<Path>, expected: &str) -> io::Result<()> {
    match fs::metadata(path)?.is_file() {
        true => Ok(()),
        false => Err(io::Error::other(format!("not a regular file; expected {expected}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::load;

    #[test]
    fn shipped_scenarios_have_names_and_others_have_paths() {
        assert_eq!(load("one-message").map(|scenario| scenario.name), Ok("one-message".to_owned()));
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/one-message.toml");
        assert_eq!(load(path), load("one-message"));
        assert!(load("one-message ").is_err());
    }

    /// What has no end is not read, and what is longer than a scenario is not read to its end.
    #[cfg(unix)]
    #[test]
    fn only_regular_files_are_read() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let device = directory.path().join("device.toml");
        std::os::unix::fs::symlink("/dev/zero", &device).expect("linked");
        let device = device.to_str().expect("UTF-8");
        assert_eq!(load(device), Err(format!("{device}: not a regular file; expected a scenario file")));
        let sparse = directory.path().join("sparse.toml");
        std::fs::File::create(&sparse).and_then(|file| file.set_len(1 << 40)).expect("a hole");
        let refused = load(sparse.to_str().expect("UTF-8")).expect_err("far too long");
        assert!(refused.ends_with(":1: more than 65536 bytes; expected at most so many"), "{refused}");
    }
}
