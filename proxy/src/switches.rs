//! Keeps operators' switches over a restart: one small JSON file in the configured state folder.
//!
//! The file holds wall-clock times, for the process's own clock begins anew at each start.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sidestep_table::{Moment, Subject, Switch, SwitchKind};

use crate::clock::Reading;

/// The file's name in the state folder.
const NAME: &str = "switches.json";
/// Larger is not ours.
const LARGEST: u64 = 1 << 20;

/// The file that switches are kept in.
#[derive(Clone, Debug)]
pub struct SwitchFile {
    path: PathBuf,
}

/// Why switches could not be kept or restored.
#[derive(Debug, thiserror::Error)]
pub enum SwitchFileError {
    /// The file is there but cannot be read.
    #[error("cannot read the switches kept in {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file was read but makes no sense.
    #[error(
        "the switches kept in {path} make no sense ({why}); mend the file, or move it aside with `sidestep run --forget-switches`"
    )]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column where there is one.
        why: String,
    },
    /// The file could not be written.
    #[error("cannot keep switches in {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u32,
    switches: Vec<Kept>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    subject: KeptSubject,
    kind: KeptKind,
    reason: String,
    actor: String,
    /// Seconds since 1970.
    set_at: f64,
    /// Seconds since 1970; absent for a switch without an end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<f64>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KeptSubject {
    Provider(String),
    Model(String),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KeptKind {
    Disable,
    Pin,
}

// === impl SwitchFile ===

impl SwitchFile {
    /// The switch file in the state folder `folder`.
    pub fn in_folder(folder: &Path) -> Self {
        Self { path: folder.join(NAME) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The switches that are still in force; none if there is no file.
    ///
    /// Blocks; meant for the start of the process, before it listens.
    ///
    /// # Errors
    /// When there is a file that cannot be read or understood. A process that went on without it could send
    /// traffic where an operator forbade it, so that is for a person to decide (see [`SwitchFile::set_aside`]).
    pub fn load(&self, now: Reading) -> Result<Vec<Switch>, SwitchFileError> {
        let text = match self.read() {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(SwitchFileError::Read { path: self.path.clone(), source }),
        };
        let broken = |why| SwitchFileError::Broken { path: self.path.clone(), why };
        let content: Content = serde_json::from_str(&text).map_err(|error| broken(error.to_string()))?;
        if content.version != 1 {
            return Err(broken(format!("version {} is not known, only 1", content.version)));
        }
        let kept =
            content.switches.into_iter().filter(|kept| kept.until.is_none_or(|end| end > now.unix_seconds()));
        Ok(kept.map(|kept| kept.restore(now)).collect())
    }

    /// Replaces the file's content, whole or not at all: a crash leaves the old or the new one.
    ///
    /// Blocks until the disk has it.
    ///
    /// # Errors
    /// When the folder is missing, full or read-only.
    pub fn save(&self, switches: &[Switch], now: Reading) -> Result<(), SwitchFileError> {
        let switches = switches.iter().map(|switch| Kept::of(switch, now)).collect();
        let content = Content { version: 1, switches };
        let written = serde_json::to_vec_pretty(&content).map_err(io::Error::from);
        let written = written.and_then(|text| self.replace(&text));
        written.map_err(|source| SwitchFileError::Write { path: self.path.clone(), source })
    }

    /// Moves the file aside, so that the process starts without switches and nothing is lost. Returns where
    /// it went, or `None` if there was none.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub fn set_aside(&self) -> Result<Option<PathBuf>, SwitchFileError> {
        let aside = self.path.with_extension("json.forgotten");
        match fs::rename(&self.path, &aside) {
            Ok(()) => Ok(Some(aside)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(SwitchFileError::Write { path: self.path.clone(), source }),
        }
    }

    fn read(&self) -> io::Result<String> {
        if fs::metadata(&self.path)?.len() > LARGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "larger than 1 MiB"));
        }
        fs::read_to_string(&self.path)
    }

    fn replace(&self, text: &[u8]) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let fresh = self.path.with_extension("json.new");
        let mut file = private(&fresh)?;
        file.write_all(text)?;
        file.sync_all()?;
        fs::rename(&fresh, &self.path)?;
        // The rename itself lives in the folder's own data.
        File::open(folder)?.sync_all()
    }
}

// === impl Kept ===

impl Kept {
    fn of(switch: &Switch, now: Reading) -> Self {
        Self {
            subject: match &switch.subject {
                Subject::Provider(id) => KeptSubject::Provider(id.to_string()),
                Subject::Model(id) => KeptSubject::Model(id.to_string()),
            },
            kind: match switch.kind {
                SwitchKind::Disable => KeptKind::Disable,
                SwitchKind::Pin => KeptKind::Pin,
            },
            reason: switch.reason.clone(),
            actor: switch.actor.clone(),
            set_at: now.unix(switch.set_at),
            until: switch.until.map(|until| now.unix(until)),
        }
    }

    fn restore(self, now: Reading) -> Switch {
        let moment = |unix: f64| -> Moment { now.moment(unix) };
        Switch {
            subject: match self.subject {
                KeptSubject::Provider(id) => Subject::Provider(id.as_str().into()),
                KeptSubject::Model(id) => Subject::Model(id.as_str().into()),
            },
            kind: match self.kind {
                KeptKind::Disable => SwitchKind::Disable,
                KeptKind::Pin => SwitchKind::Pin,
            },
            reason: self.reason,
            actor: self.actor,
            set_at: moment(self.set_at),
            until: self.until.map(moment),
        }
    }
}

/// Opens a file to be written from its beginning, for its owner's eyes only.
#[cfg(unix)]
pub(crate) fn private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    // Reasons are free text that people wrote for colleagues.
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
pub(crate) fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).open(path)
}

#[cfg(test)]
mod tests;
