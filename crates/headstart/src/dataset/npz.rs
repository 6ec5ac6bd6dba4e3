//! MedMNIST's archives (Yang et al. 2023): `train_images`, `train_labels`, and the same for `val`
//! and `test`, as NumPy arrays in a zip.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use zip::ZipArchive;
use zip::result::ZipError;

use super::sample::Array;
use super::{Dataset, Sample, Split};
use crate::error::{Error, Result};
use crate::regular;

mod array;

/// How many times larger an array may be than what it is packed to. Photographs are packed to a half, black borders to
/// a hundredth; what is packed better holds nothing.
const MOST_EXPANSION: u64 = 200;
/// Bytes up to which an array may be packed as well as can be.
const SMALL: u64 = 64 << 20;

/// Images `[N, height, width]` or `[N, height, width, 3]` of bytes, labels `[N]` or `[N, 1]` of
/// integers. A class is named by its number, an image by its place: `train/000123`.
pub(super) fn open(path: &Path) -> Result<Dataset> {
    let file = regular::open(path).map_err(|why| Error::io("read", path, why))?;
    let mut archive = ZipArchive::new(file)
        .map_err(|why| Error::invalid(path, "a MedMNIST .npz", format!("no archive ({why})")))?;
    let mut samples = Vec::new();
    for (name, split) in [("train", Split::Train), ("val", Split::Validation), ("test", Split::Test)] {
        if let Some((images, labels)) = part(path, &mut archive, name)? {
            let images = Arc::new(images);
            let sample = |(index, label): (usize, usize)| {
                Sample::pixels(format!("{name}/{index:06}"), &images, index, label, split)
            };
            samples.extend(labels.into_iter().enumerate().map(sample));
        }
    }
    if samples.is_empty() {
        return Err(Error::invalid(path, "the arrays train_images and train_labels", contents(&archive)));
    }
    let classes = samples.iter().map(|sample| sample.label).max().map_or(0, |most| most + 1);
    let classes = (0..classes).map(|class| class.to_string()).collect();
    Ok(Dataset { root: path.to_path_buf(), classes, samples })
}

/// Images and labels of a split, if the archive has them.
fn part(path: &Path, archive: &mut ZipArchive<File>, split: &str) -> Result<Option<(Array, Vec<usize>)>> {
    let (images, labels) = (format!("{split}_images"), format!("{split}_labels"));
    let Some(array) = member(path, archive, &images)? else { return Ok(None) };
    let images = array
        .into_images()
        .map_err(|(expected, found)| Error::invalid(path, format!("{images} as {expected}"), found))?;
    let count = images.bytes.len() / images.image_bytes();
    let Some(array) = member(path, archive, &labels)? else {
        return Err(Error::invalid(path, format!("the array {labels}"), contents(archive)));
    };
    let found = array
        .into_labels()
        .map_err(|(expected, found)| Error::invalid(path, format!("{labels} as {expected}"), found))?;
    if found.len() != count {
        return Err(Error::invalid(path, format!("{count} {labels}"), found.len().to_string()));
    }
    Ok(Some((images, found)))
}

/// One array, if the archive has it.
fn member(path: &Path, archive: &mut ZipArchive<File>, name: &str) -> Result<Option<array::Npy>> {
    let invalid = |why: String| Error::invalid(path, format!("a NumPy array {name}"), why);
    let entry = match archive.by_name(&format!("{name}.npy")) {
        Ok(entry) => entry,
        Err(ZipError::FileNotFound) => return Ok(None),
        Err(why) => return Err(invalid(why.to_string())),
    };
    // What the archive states is all that is read, and that is bounded by what it takes.
    let (size, packed) = (entry.size(), entry.compressed_size());
    let most = packed.saturating_mul(MOST_EXPANSION).max(SMALL);
    if size > most {
        return Err(invalid(format!("{size} bytes from {packed}, more than such data can be packed")));
    }
    array::read(entry, size).map(Some).map_err(invalid)
}

fn contents(archive: &ZipArchive<File>) -> String {
    let names = archive.file_names().map_while(|name| name.ok());
    let mut names: Vec<String> = names.map(|name| name.trim_end_matches(".npy").to_string()).collect();
    names.sort_unstable();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::CompressionMethod;
    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::array::tests::npy;
    use super::*;
    use crate::image::{Image, Limits};

    fn open_arrays(arrays: &[(&str, Vec<u8>)]) -> Result<Dataset, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.npz");
        let mut writer = ZipWriter::new(File::create(&path).expect("creates"));
        for (name, bytes) in arrays {
            writer.start_file(format!("{name}.npy"), SimpleFileOptions::default()).expect("starts");
            writer.write_all(bytes).expect("writes");
        }
        writer.finish().expect("finishes");
        Dataset::open(&path)
            .map_err(|why| why.to_string().rsplit("x.npz: ").next().unwrap_or_default().into())
    }

    #[test]
    fn splits_and_classes_come_from_the_arrays() {
        let dataset = open_arrays(&[
            ("train_images", npy("|u1", "(3, 1, 2)", &[1, 2, 3, 4, 5, 6])),
            ("train_labels", npy("|u1", "(3, 1)", &[1, 0, 1])),
            ("test_images", npy("|u1", "(2, 1, 2)", &[7, 8, 9, 10])),
            ("test_labels", npy("|u1", "(2, 1)", &[0, 1])),
        ])
        .expect("opens");
        assert_eq!(dataset.classes, ["0", "1"]);
        let paths: Vec<&str> = dataset.samples.iter().map(Sample::path).collect();
        assert_eq!(paths, ["train/000001", "train/000000", "train/000002", "test/000000", "test/000001"]);
        assert_eq!(dataset.samples[0].read(&Limits::default()), Ok(Image::from_grey8(2, 1, &[3, 4])));
        assert!(dataset.has_test() && !dataset.has_validation());
    }

    fn stored(folder: &Path, name: &str, bytes: &[u8], method: CompressionMethod) -> std::path::PathBuf {
        let path = folder.join("x.npz");
        let mut writer = ZipWriter::new(File::create(&path).expect("creates"));
        let options = SimpleFileOptions::default().compression_method(method);
        writer.start_file(format!("{name}.npy"), options).expect("starts");
        writer.write_all(bytes).expect("writes");
        writer.finish().expect("finishes");
        path
    }

    #[test]
    fn a_flipped_bit_is_found_by_the_checksum() {
        let folder = tempfile::tempdir().expect("a folder");
        let array = npy("|u1", "(2, 2, 2)", &[77; 8]);
        let path = stored(folder.path(), "train_images", &array, CompressionMethod::Stored);
        let mut bytes = std::fs::read(&path).expect("reads");
        let at = bytes.windows(8).position(|window| window == [77; 8]).expect("the pixels");
        bytes[at + 3] ^= 1;
        std::fs::write(&path, bytes).expect("writes");
        let message = Dataset::open(&path).expect_err("damaged").to_string();
        assert!(
            message.contains("expected a NumPy array train_images, found") && message.contains("checksum"),
            "{message}"
        );
    }

    #[test]
    fn an_array_that_is_packed_beyond_reason_is_not_unpacked() {
        let folder = tempfile::tempdir().expect("a folder");
        let array = npy("|u1", "(9000, 100, 100)", &vec![0; 90_000_000]);
        let path = stored(folder.path(), "train_images", &array, CompressionMethod::Deflated);
        let message = Dataset::open(&path).expect_err("a bomb").to_string();
        assert!(message.contains("more than such data can be packed"), "{message}");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let images = || ("train_images", npy("|u1", "(2, 1, 1)", &[1, 2]));
        let problem = |arrays: &[(&str, Vec<u8>)]| open_arrays(arrays).expect_err("wrong");
        assert_eq!(problem(&[]), "expected the arrays train_images and train_labels, found none");
        assert_eq!(problem(&[images()]), "expected the array train_labels, found train_images");
        let short = ("train_labels", npy("|u1", "(1, 1)", &[1]));
        assert_eq!(problem(&[images(), short]), "expected 2 train_labels, found 1");
        let text = ("train_images", b"just some text".to_vec());
        assert_eq!(problem(&[text]), "expected a NumPy array train_images, found something else");
    }
}
