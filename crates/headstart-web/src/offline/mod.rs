//! The page without a server: files that classify on the visitor's own device, or one file that holds everything.
//!
//! The same page as the server's asks a worker instead of a server. The worker runs `assets/headstart.wasm`, which is this
//! program's own way from an image to its answer, compiled by `tools/build_wasm.sh`.

mod folder;
mod page;
mod parts;

use std::path::Path;

use headstart::export::short::shorten;
use headstart::{Error, Result, write_whole};

use crate::language::{self, Strings};
use crate::models::name_of;

/// What was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// Names of the files.
    pub files: Vec<String>,
    /// Bytes in all.
    pub bytes: usize,
    /// Whether the model's weights were rounded to 16 bits.
    pub is_rounded: bool,
    /// How far its scores are off by that, at most, on generated pictures.
    pub off: f32,
}

/// A file of a folder: its name and its content.
type File = (String, Vec<u8>);

/// Writes the page of a sealed `model`, whole or not at all: to a folder or, when `out` ends in `.html`, to one file.
/// `language` is the tag of the one in which it opens.
///
/// # Errors
/// A file that is no sealed model, an unknown language, or a place that cannot be written or holds something else.
pub fn export(model: &Path, out: &Path, language: &str) -> Result<Written> {
    let strings = strings(language)?;
    let is_file = out.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("html"));
    if !is_file {
        folder::check(out)?;
    }
    let short = shorten(model)?;
    let page =
        page::OfflinePage { classifier: &short.classifier, name: &name_of(model), model: &short.bytes };
    let files = match is_file {
        true => vec![(out.display().to_string(), page.single(strings).into_bytes())],
        false => page.files(strings),
    };
    let bytes = files.iter().map(|(_, content)| content.len()).sum();
    let names = files.iter().map(|(name, _)| name.clone()).collect();
    match &files[..] {
        [(_, content)] if is_file => write_whole(out, content)?,
        _ => folder::write(out, &files)?,
    }
    Ok(Written { files: names, bytes, is_rounded: short.is_rounded, off: short.off })
}

fn strings(tag: &str) -> Result<&'static Strings> {
    language::find(tag).ok_or_else(|| {
        let known: Vec<&str> = language::all().iter().map(|strings| strings.tag).collect();
        Error::setting("language", known.join(" or "), tag)
    })
}
