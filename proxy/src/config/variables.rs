//! The environment, read once, so that nothing else has to touch the process's own; and a folder that stands in for it.

use std::{
    collections::BTreeMap,
    fmt, fs,
    io::Read,
    path::{Path, PathBuf},
};

use super::substitute::is_variable;

/// Largest file that is read in place of a variable, in bytes.
const LARGEST: u64 = 64 << 10;

/// Environment variables, and where to look for those that are not set. `Debug` shows names only.
#[derive(Clone, Default)]
pub struct Variables {
    set: BTreeMap<String, String>,
    folder: Option<PathBuf>,
    found: BTreeMap<String, String>,
}

impl Variables {
    /// Those of this process. One that is not valid Unicode counts as unset.
    pub fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        std::env::vars_os().filter_map(text).collect()
    }

    /// With a folder whose files stand in for variables of their names that are not set, as a mounted Secret has
    /// them. Unlike variables they may change while the process runs. Blocks on the file system.
    #[must_use]
    pub fn with_folder(self, folder: Option<PathBuf>) -> Self {
        Self { folder, ..self }.read_again()
    }

    /// With what is in the folder now. Blocks on the file system.
    #[must_use]
    pub(super) fn read_again(self) -> Self {
        let found = self.folder.as_deref().map(files).unwrap_or_default();
        Self { found, ..self }
    }

    /// The value of `name`; `None` if it is unset or empty, as a secret that was never filled in often is.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut values = [&self.set, &self.found].into_iter().filter_map(|all| all.get(name));
        values.find(|value| !value.trim().is_empty()).map(String::as_str)
    }

    /// The folder whose files stand in for variables.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }
}

/// What is in a folder, by file names that variables could have. What cannot be read is not there.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let file = |name: String| text(&folder.join(&name)).map(|value| (name, value));
    names.filter(|name| is_variable(name)).filter_map(file).collect()
}

fn text(path: &Path) -> Option<String> {
    // What is no plain file might be read for ever.
    fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let mut text = String::new();
    let read = fs::File::open(path).ok()?.take(LARGEST + 1).read_to_string(&mut text).ok()?;
    (read as u64 <= LARGEST).then(|| text.trim().to_owned())
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Variables {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let set = pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { set, ..Self::default() }
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.set.keys().chain(self.found.keys())).finish()
    }
}
