//! What is written of one image.

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// The image was used.
    Ok,
    /// It was read, and is no usable image.
    Unusable,
    /// It could not be read.
    Unreadable,
}

impl Status {
    pub(super) const ALL: [Self; 3] = [Self::Ok, Self::Unusable, Self::Unreadable];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unusable => "unusable",
            Self::Unreadable => "unreadable",
        }
    }
}

/// A row of a part.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record<V> {
    /// As the manifest has it.
    pub(crate) path: String,
    /// Of the image's bytes; `None` of those that could not be read.
    pub(crate) sha256: Option<String>,
    pub(crate) status: Status,
    /// Why there is no value.
    pub(crate) reason: Option<String>,
    /// What was made of the image.
    pub(crate) value: Option<V>,
}
