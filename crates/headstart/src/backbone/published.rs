//! Where the authors of a net publish its weights, and where these lie on this machine once they were pulled.

use std::path::{Path, PathBuf};

use super::entries::Entry;
use crate::cache_folder::pulled_weights;
use crate::error::{Error, Result};
use crate::regular;

/// Where torchvision's files lie.
const TORCHVISION: &str = "https://download.pytorch.org/models";
/// Endings of files that a user puts beside the pulled ones, under a backbone's name.
const ENDINGS: [&str; 3] = ["safetensors", "pth", "h5"];
/// A file may be so much larger than was published of it, in bytes: sizes are published in rounded MiB.
const SLACK: u64 = 1 << 20;
/// Bytes of the note beside a file, at most.
const MOST_NOTE: u64 = 4096;

/// A file of weights at its authors'.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Who publishes it, as `backbones pull NAME@SOURCE` names it.
    pub source: &'static str,
    /// Its name, there and on this machine.
    pub file: &'static str,
    /// Where to fetch it.
    pub address: String,
    /// Hexadecimal digits with which its SHA-256 begins. PyTorch puts the first eight into the name, and no more are
    /// published.
    pub pin: &'static str,
    /// Bytes that it has at most.
    pub most_bytes: u64,
}

/// Weights that lie among the pulled ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The file.
    pub path: PathBuf,
    /// What it has to be, unless a user put it there under the backbone's name.
    pub published: Option<Published>,
}

impl Entry {
    /// The published file that `backbones pull` fetches, if there is one.
    pub fn published(&self) -> Option<Published> {
        let (_, digits) = self.file.rsplit_once('-')?;
        let pin = digits.strip_suffix(".pth")?;
        let most_bytes = (self.mebibytes? * f64::from(1 << 20)) as u64 + SLACK;
        let address = format!("{TORCHVISION}/{}", self.file);
        Some(Published { source: "torchvision", file: self.file, address, pin, most_bytes })
    }

    /// Its weights in `folder`, if they are there.
    pub fn kept_in(&self, folder: &Path) -> Option<Kept> {
        let there = |path: &PathBuf| path.is_file();
        let pulled = self.published().map(|published| {
            let path = folder.join(published.file);
            Kept { path, published: Some(published) }
        });
        let own = ENDINGS.map(|ending| folder.join(format!("{}.{ending}", self.name)));
        let own = own.into_iter().map(|path| Kept { path, published: None });
        pulled.into_iter().chain(own).find(|kept| there(&kept.path))
    }

    /// Its weights among those that were pulled, if they are there.
    pub fn kept(&self) -> Option<Kept> {
        self.kept_in(&pulled_weights())
    }

    /// What to do where its weights are not on this machine.
    pub(super) fn how_to_get(&self) -> String {
        let (name, folder) = (self.name, pulled_weights());
        let folder = folder.display();
        match self.published() {
            Some(Published { file, address, .. }) => format!(
                "the weights of {name}: `headstart backbones pull {name}` fetches them; without a network put {file} from {address} into {folder}"
            ),
            None => format!(
                "a file with the weights of {name} ({}), named here or put into {folder} as {name}.{}, .{} or .{}",
                self.file, ENDINGS[0], ENDINGS[1], ENDINGS[2]
            ),
        }
    }
}

impl Published {
    /// Checks that a file with this SHA-256 is the published one, and the one that was pulled.
    ///
    /// # Errors
    /// [`Error::Invalid`] with both digests.
    pub(super) fn check(&self, path: &Path, sha256: &str) -> Result<()> {
        if !sha256.starts_with(self.pin) {
            let expected = format!("a SHA-256 that begins with {}", self.pin);
            return Err(Error::invalid(path, expected, sha256));
        }
        match noted(path) {
            Some(noted) if noted != sha256 => {
                Err(Error::invalid(path, format!("the SHA-256 {noted} that was pulled"), sha256))
            }
            _ => Ok(()),
        }
    }
}

/// Where the full SHA-256 of a pulled file is written down.
pub(super) fn note_of(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{name}.sha256"))
}

/// The SHA-256 that was written down when a file was pulled.
fn noted(path: &Path) -> Option<String> {
    let text = regular::read_to_string(&note_of(path), MOST_NOTE).ok()?;
    text.split_whitespace().next().map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbone::registry::{ENTRIES, find};

    #[test]
    fn every_file_of_torchvision_has_eight_digits_to_check() {
        for entry in ENTRIES.iter().filter(|entry| entry.file.ends_with(".pth")) {
            let published = entry.published().unwrap_or_else(|| panic!("{}", entry.name));
            assert_eq!(published.pin.len(), 8, "{}", entry.name);
            assert!(published.pin.bytes().all(|digit| digit.is_ascii_hexdigit()), "{}", entry.name);
        }
        let resnet = find("resnet50").expect("known").published().expect("published");
        assert_eq!(resnet.address, "https://download.pytorch.org/models/resnet50-0676ba61.pth");
        assert!((102_530_333..104_000_000).contains(&resnet.most_bytes), "{}", resnet.most_bytes);
        assert_eq!(find("vgg16").expect("known").published(), None);
    }

    #[test]
    fn a_pulled_file_has_to_stay_what_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("resnet18-f37072fd.pth");
        let published = find("resnet18").expect("known").published().expect("published");
        let whole = format!("f37072fd{}", "0".repeat(56));
        published.check(&path, &whole).expect("begins as it should");
        let other = published.check(&path, &"0".repeat(64)).expect_err("begins otherwise").to_string();
        assert!(other.contains("a SHA-256 that begins with f37072fd, found 000"), "{other}");
        std::fs::write(note_of(&path), format!("{whole}  resnet18-f37072fd.pth\n")).expect("writes");
        published.check(&path, &whole).expect("as it was pulled");
        let changed = format!("f37072fd{}", "1".repeat(56));
        let why = published.check(&path, &changed).expect_err("another file").to_string();
        assert!(why.contains("that was pulled, found f37072fd111"), "{why}");
    }

    #[test]
    fn weights_are_found_under_the_published_name_or_the_backbone_s() {
        let folder = tempfile::tempdir().expect("a folder");
        let entry = find("resnet18").expect("known");
        assert_eq!(entry.kept_in(folder.path()), None);
        let own = folder.path().join("resnet18.safetensors");
        std::fs::write(&own, "").expect("writes");
        assert_eq!(entry.kept_in(folder.path()), Some(Kept { path: own, published: None }));
        let pulled = folder.path().join("resnet18-f37072fd.pth");
        std::fs::write(&pulled, "").expect("writes");
        let kept = entry.kept_in(folder.path()).expect("there");
        assert_eq!((kept.path, kept.published), (pulled, entry.published()));
    }
}
