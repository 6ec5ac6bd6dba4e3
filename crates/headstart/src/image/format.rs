//! Which kind of file the first bytes tell.

use std::fmt;

use image::ImageFormat;
use serde::{Deserialize, Serialize};

use super::dicom;

/// An image format that headstart reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Format {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// TIFF.
    Tiff,
    /// BMP.
    Bmp,
    /// WebP.
    WebP,
    /// DICOM.
    Dicom,
}

/// Extensions of image formats that headstart does not read.
const FOREIGN: [&str; 9] = ["avif", "gif", "heic", "heif", "ico", "jp2", "pgm", "ppm", "tga"];

impl Format {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Jpeg, Self::Png, Self::Tiff, Self::Bmp, Self::WebP, Self::Dicom];

    /// The format that a file's first bytes tell, whatever its name says.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        // Its preamble may be the head of a TIFF.
        if dicom::is_dicom(bytes) {
            return Some(Self::Dicom);
        }
        match image::guess_format(bytes).ok()? {
            ImageFormat::Jpeg => Some(Self::Jpeg),
            ImageFormat::Png => Some(Self::Png),
            ImageFormat::Tiff => Some(Self::Tiff),
            ImageFormat::Bmp => Some(Self::Bmp),
            ImageFormat::WebP => Some(Self::WebP),
            _ => None,
        }
    }

    /// Its name, as people write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Tiff => "TIFF",
            Self::Bmp => "BMP",
            Self::WebP => "WebP",
            Self::Dicom => "DICOM",
        }
    }

    /// File name extensions that go with it, in lower case.
    pub fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Jpeg => &["jpg", "jpeg", "jpe", "jfif"],
            Self::Png => &["png"],
            Self::Tiff => &["tif", "tiff"],
            Self::Bmp => &["bmp", "dib"],
            Self::WebP => &["webp"],
            Self::Dicom => &["dcm", "dicom", "dic"],
        }
    }

    /// Whether `extension` promises another image format than this. An extension that no image format
    /// uses promises nothing.
    pub fn contradicts(self, extension: &str) -> bool {
        let extension = extension.to_lowercase();
        let promises = |format: &Self| format.extensions().contains(&extension.as_str());
        !promises(&self) && (Self::ALL.iter().any(promises) || FOREIGN.contains(&extension.as_str()))
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Format;

    #[test]
    fn names_that_promise_another_format_are_told() {
        assert!(Format::Png.contradicts("JPG") && Format::Jpeg.contradicts("gif"));
        assert!(!Format::Jpeg.contradicts("jpeg") && !Format::Jpeg.contradicts("JFIF"));
        assert!(!Format::Jpeg.contradicts("") && !Format::Jpeg.contradicts("0001"));
    }
}
