//! Images to try a model with: those in the folder `examples` beside its file.

use std::path::Path;

use axum::body::Bytes;
use headstart::image::Format;

use crate::name;

/// The most examples of a model: a row on the page.
const MOST: usize = 6;
/// The largest example's bytes: they stay in memory, and every visitor loads them.
const LARGEST: u64 = 2 << 20;

/// An image to try a model with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    pub(crate) name: String,
    pub(crate) bytes: Bytes,
    pub(crate) content_type: &'static str,
}

impl Example {
    /// From a file's name and bytes; `None` for what browsers do not show.
    pub fn new(name: &str, bytes: impl Into<Bytes>) -> Option<Self> {
        let bytes = bytes.into();
        let content_type = match Format::of(&bytes)? {
            Format::Jpeg => "image/jpeg",
            Format::Png => "image/png",
            Format::WebP => "image/webp",
            _ => return None,
        };
        Some(Self { name: name::shown(name), bytes, content_type })
    }
}

/// The examples beside a model's file, by name. What is too large, or no image that browsers show, is passed over.
pub(crate) fn beside(model: &Path) -> Vec<Example> {
    let Ok(entries) = std::fs::read_dir(model.with_file_name("examples")) else { return Vec::new() };
    let is_small = |path: &Path| path.metadata().is_ok_and(|file| file.is_file() && file.len() <= LARGEST);
    let mut paths: Vec<_> =
        entries.flatten().map(|entry| entry.path()).filter(|path| is_small(path)).collect();
    paths.sort();
    let read = |path: &Path| Example::new(path.file_name()?.to_str()?, std::fs::read(path).ok()?);
    paths.iter().filter_map(|path| read(path)).take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_beside_the_model_is_read_by_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let model = folder.path().join("model.safetensors");
        assert_eq!(beside(&model), []);
        let examples = folder.path().join("examples");
        std::fs::create_dir_all(examples.join("c.png")).expect("a folder");
        let png = b"\x89PNG\r\n\x1a\n";
        for (name, bytes) in [("b.png", &png[..]), ("a.png", png), ("notes.txt", b"hello"), ("d.bmp", b"BM")]
        {
            std::fs::write(examples.join(name), bytes).expect("a file");
        }
        let names: Vec<String> = beside(&model).into_iter().map(|example| example.name).collect();
        assert_eq!(names, ["a.png", "b.png"]);
    }
}
