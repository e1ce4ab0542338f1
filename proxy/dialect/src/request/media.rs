//! Images and documents between `data:` URLs and Anthropic's sources.

use super::Untranslatable;
use super::conversation::{Media, Source};

/// The image types that Anthropic takes.
const IMAGE_TYPES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

const PDF: &str = "application/pdf";

impl Source {
    /// Reads a URL, which may carry its data with it.
    pub(super) fn of_url(url: String) -> Result<Self, Untranslatable> {
        let Some(inline) = url.strip_prefix("data:") else { return Ok(Self::Url(url)) };
        let (head, data) = inline.split_once(',').ok_or(Untranslatable::Malformed("data URL"))?;
        let Some(head) = head.strip_suffix(";base64") else {
            return Err(Untranslatable::Feature("data URLs that are not base64"));
        };
        let media_type = head.split(';').next().unwrap_or_default().to_ascii_lowercase();
        let media_type = if media_type == "image/jpg" { "image/jpeg".to_owned() } else { media_type };
        Ok(Self::Base64 { media_type, data: data.to_owned() })
    }

    /// Reads OpenAI's `file_data`: a `data:` URL, or bare base64 of a PDF.
    pub(super) fn of_file_data(data: String) -> Result<Self, Untranslatable> {
        if data.starts_with("data:") {
            return Self::of_url(data);
        }
        Ok(Self::Base64 { media_type: PDF.to_owned(), data })
    }

    /// As a URL, `data:` when the data is at hand.
    pub(super) fn into_url(self) -> String {
        match self {
            Self::Url(url) => url,
            Self::Base64 { media_type, data } => format!("data:{media_type};base64,{data}"),
        }
    }
}

impl Media {
    pub(super) const fn of(source: Source) -> Self {
        Self { source, detail: None, name: None }
    }

    /// # Errors
    /// When Anthropic does not take images of this type.
    pub(super) fn check_image(&self) -> Result<(), Untranslatable> {
        match &self.source {
            Source::Base64 { media_type, .. } if !IMAGE_TYPES.contains(&media_type.as_str()) => {
                Err(Untranslatable::Feature("images of this type"))
            }
            _ => Ok(()),
        }
    }

    /// # Errors
    /// When the document is no PDF; of other types Anthropic takes only text.
    pub(super) fn check_document(&self) -> Result<(), Untranslatable> {
        match &self.source {
            Source::Base64 { media_type, .. } if media_type != PDF => {
                Err(Untranslatable::Feature("documents of this type"))
            }
            _ => Ok(()),
        }
    }
}
