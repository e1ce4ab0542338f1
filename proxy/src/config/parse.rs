//! YAML text to [`Config`].

use std::{fs, io, path::Path};

use super::{
    Config, ConfigError, Source, Variables, environment, place::Duplicate, problem::Problem,
    resolve::Resolver, schema::FileSchema,
};

/// Largest configuration that is read, in bytes; a ConfigMap holds no more than 1 MiB either.
const LARGEST: u64 = 1 << 20;

impl Config {
    /// Reads and resolves what `source` names.
    ///
    /// # Errors
    /// Whatever keeps it from being used, with line and column for a file.
    pub fn load(source: &Source, variables: &Variables) -> Result<Self, ConfigError> {
        Self::parse(&source_text(source, variables)?, source, variables)
    }

    /// Resolves `text`, which was read from `source`.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with everything that is wrong.
    pub fn parse(text: &str, source: &Source, variables: &Variables) -> Result<Self, ConfigError> {
        let origin = source.to_string();
        let invalid = |problem| ConfigError::Invalid(vec![problem]);
        if let Some(twin) = Duplicate::find(text) {
            return Err(invalid(Problem::of_duplicate(&origin, text, &twin)));
        }
        let file: FileSchema =
            serde_yaml::from_str(text).map_err(|error| invalid(Problem::of_yaml(&origin, text, &error)))?;
        let folder = match source {
            Source::File(path) => path.parent().unwrap_or(Path::new("")),
            Source::Environment | Source::Builtin(_) => Path::new(""),
        };
        let resolved = Resolver::new(variables, folder).resolve(&file, source.clone());
        resolved.map_err(|findings| {
            ConfigError::Invalid(findings.iter().map(|found| Problem::found(&origin, text, found)).collect())
        })
    }
}

/// The text that `source` stands for.
pub(super) fn source_text(source: &Source, variables: &Variables) -> Result<String, ConfigError> {
    match source {
        Source::File(path) => read(path),
        Source::Environment => environment::compose(variables),
        // Only whoever has the text can parse it.
        Source::Builtin(name) => {
            Err(ConfigError::Unreadable { path: name.into(), source: io::ErrorKind::Unsupported.into() })
        }
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
    let size = fs::metadata(path).map_err(unreadable)?.len();
    if size > LARGEST {
        return Err(ConfigError::TooLarge { path: path.to_owned(), size, limit: LARGEST });
    }
    let bytes = fs::read(path).map_err(unreadable)?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..valid]).into_owned();
        ConfigError::Invalid(vec![Problem::not_text(&path.display().to_string(), &before)])
    })
}
