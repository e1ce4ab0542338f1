//! Incidents on disk: one small JSON file each, in a folder of their own inside the state folder.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::name::is_id;
use super::record::Incident;
use crate::switches::private;

/// The folder's name in the state folder.
const NAME: &str = "incidents";
/// What is being written, before it gets its name.
const FRESH: &str = "incident.new";
/// Largest file in bytes; what is larger is not ours.
const LARGEST: usize = 32 * 1024;
/// Files looked at, at most. Ours are far fewer; a folder with more is not ours alone.
const LOOKED_AT: usize = 4096;

/// Where incidents are kept.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

/// What was found there.
#[derive(Default)]
pub(super) struct Found {
    /// Oldest first.
    pub(super) incidents: Vec<Incident>,
    /// What could not be read, and why.
    pub(super) complaints: Vec<String>,
}

// === impl Folder ===

impl Folder {
    /// The folder inside the state folder `state`.
    pub(super) fn within(state: &Path) -> Folder {
        Folder { path: state.join(NAME) }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads what is there. What is not ours, or cannot be read, is left alone and complained of.
    ///
    /// Blocks; meant for the start of the process, before it listens.
    pub(super) fn load(&self) -> Found {
        let mut found = Found::default();
        let listing = match fs::read_dir(&self.path) {
            Ok(listing) => listing,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return found,
            Err(error) => {
                found.complaints.push(format!("cannot read {}: {error}", self.path.display()));
                return found;
            }
        };
        for entry in listing.take(LOOKED_AT).flatten() {
            let name = entry.file_name();
            let Some(id) = name.to_str().and_then(|name| name.strip_suffix(".json")) else { continue };
            match self.read(id) {
                Ok(incident) => found.incidents.push(incident),
                Err(why) => {
                    found.complaints.push(format!("{} is no incident: {why}", entry.path().display()));
                }
            }
        }
        found
            .incidents
            .sort_by(|one, other| one.started.total_cmp(&other.started).then_with(|| one.id.cmp(&other.id)));
        found
    }

    fn read(&self, id: &str) -> Result<Incident, String> {
        if !is_id(id) {
            return Err("that is no id".to_owned());
        }
        let path = self.file(id);
        let size = fs::metadata(&path).map_err(|error| error.to_string())?.len();
        if size > LARGEST as u64 {
            return Err(format!("{size} bytes are more than an incident takes"));
        }
        let text = fs::read(&path).map_err(|error| error.to_string())?;
        let incident: Incident = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
        let sane = incident.id == id
            && incident.started.is_finite()
            && incident.ended.is_none_or(|ended| ended >= incident.started);
        if sane { Ok(incident) } else { Err("it contradicts its name or itself".to_owned()) }
    }

    /// Writes one incident, whole or not at all: a crash leaves the old or the new file. Blocks until the disk has it.
    ///
    /// # Errors
    /// When the folder cannot be made, is full or read-only.
    pub(super) fn save(&self, incident: &Incident) -> io::Result<()> {
        let text = fitted(incident)?;
        fs::create_dir_all(&self.path)?;
        let fresh = self.path.join(FRESH);
        let mut file = private(&fresh)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&fresh, self.file(&incident.id))?;
        // The rename itself lives in the folder's own data.
        File::open(&self.path)?.sync_all()
    }

    /// Removes our files of incidents that `is_kept` does not know any more.
    ///
    /// # Errors
    /// When the folder cannot be read, or a file not be removed.
    pub(super) fn sweep(&self, is_kept: impl Fn(&str) -> bool) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)?.take(LOOKED_AT).flatten() {
            let name = entry.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".json"));
            // What has our name and cannot be read as ours is for a person to look at.
            if let Some(id) = id.filter(|id| is_id(id) && !is_kept(id))
                && self.read(id).is_ok()
            {
                fs::remove_file(self.file(id))?;
            }
        }
        Ok(())
    }

    fn file(&self, id: &str) -> PathBuf {
        self.path.join(format!("{id}.json"))
    }
}

/// The incident as JSON that fits into a file. What does not fit is left out from the middle of its decisions first.
fn fitted(incident: &Incident) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(incident)?;
    let mut smaller = incident.clone();
    while text.len() > LARGEST && (smaller.decisions.len() + smaller.models.len() > 2) {
        if smaller.decisions.len() > 1 {
            smaller.decisions.remove(smaller.decisions.len() / 2);
            smaller.omitted += 1;
        } else {
            smaller.models.pop();
            smaller.models_omitted += 1;
        }
        text = serde_json::to_vec(&smaller)?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
