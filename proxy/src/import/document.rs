//! A file and those that it includes, as one.

use std::{fs, path::Path};

use super::{ImportError, finding::Findings, tree::Node};
use crate::config::Place;

/// Largest file that is read, in bytes.
pub(crate) const LARGEST: u64 = 1 << 20;
/// Most bytes of a file and all that it includes.
const LARGEST_TOTAL: u64 = 4 << 20;
/// Most files that are read for one configuration.
const MOST_FILES: usize = 64;

/// All that belongs to one configuration.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// The file itself first, then those that it includes, in the order in which they are read.
    pub(super) files: Vec<File>,
}

/// One file.
#[derive(Debug)]
pub(super) struct File {
    pub(super) origin: String,
    pub(super) text: String,
    pub(super) root: Node,
}

/// A place in one of the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) file: usize,
    pub(super) place: Place,
}

// === impl Document ===

impl Document {
    /// Reads `text` and what it includes from `folder` on.
    pub(super) fn read(
        text: &str,
        origin: &str,
        folder: Option<&Path>,
        findings: &mut Findings,
    ) -> Result<Self, ImportError> {
        let mut document = Self::default();
        document.add(text.to_owned(), origin.to_owned())?;
        let mut folders = vec![folder.map(Path::to_owned)];
        let mut at = 0;
        while at < document.files.len() {
            let wanted: Vec<String> = match document.files[at].root.get("include") {
                Some(Node::List(names)) => names.iter().filter_map(Node::text).map(str::to_owned).collect(),
                _ => Vec::new(),
            };
            for (index, name) in wanted.iter().enumerate() {
                let spot = Spot { file: at, ..Spot::default() }.name("include").index(index);
                let Some(folder) = &folders[at] else {
                    findings.lost(
                        &spot,
                        "the folder of a file that comes from standard input is not known.",
                        "name the file.",
                    );
                    continue;
                };
                let path = folder.join(name);
                let origin = path.display().to_string();
                if document.files.iter().any(|file| file.origin == origin) {
                    continue;
                }
                let text = document.included(&path, &spot)?;
                document.add(text, origin)?;
                folders.push(path.parent().map(Path::to_owned));
            }
            at += 1;
        }
        Ok(document)
    }

    /// A section of the configuration in every file that has it, the file itself last, for it includes the others first.
    pub(super) fn sections<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (Spot, &'a Node)> {
        let files = self.files.iter().enumerate();
        files.filter_map(move |(at, file)| {
            Some((Spot { file: at, ..Spot::default() }.name(name), file.root.get(name)?))
        })
    }

    fn add(&mut self, text: String, origin: String) -> Result<(), ImportError> {
        let root = Node::read(&text, &origin)?;
        if !matches!(root, Node::Map(_)) {
            let message = format!("expected a mapping with a `model_list`, found {}", root.kind());
            return Err(ImportError::Unfit { origin, line: 1, column: 1, message });
        }
        self.files.push(File { origin, text, root });
        Ok(())
    }

    fn included(&self, path: &Path, spot: &Spot) -> Result<String, ImportError> {
        let unfit = |message: String| {
            let file = &self.files[spot.file];
            let at = spot.place.find(&file.text);
            let (line, column) = at.map_or((0, 0), |at| (at.line, at.column));
            ImportError::Unfit { origin: file.origin.clone(), line, column, message }
        };
        let shown = path.display();
        let size = fs::metadata(path).map_err(|error| unfit(format!("{shown}: {error}")))?.len();
        let read: u64 = self.files.iter().map(|file| file.text.len() as u64).sum();
        if size > LARGEST || read + size > LARGEST_TOTAL || self.files.len() >= MOST_FILES {
            return Err(unfit(format!("{shown}: there is more to include than a configuration has")));
        }
        let bytes = fs::read(path).map_err(|error| unfit(format!("{shown}: {error}")))?;
        String::from_utf8(bytes).map_err(|_| unfit(format!("{shown}: is not UTF-8")))
    }
}

// === impl Spot ===

impl Spot {
    /// The value called `name` within this one.
    pub(super) fn name(&self, name: &str) -> Self {
        Self { file: self.file, place: self.place.name(name) }
    }

    /// The value at `index` within this list.
    pub(super) fn index(&self, index: usize) -> Self {
        Self { file: self.file, place: self.place.index(index) }
    }
}
