//! One hash of everything that a run sees.

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use super::{Dataset, Sample};
use crate::sha256::hexadecimal;

/// SHA-256 in hexadecimal. A file that cannot be read counts as such, because a run sets it aside.
pub(super) fn of(dataset: &Dataset) -> String {
    let contents: Vec<String> = dataset.samples.par_iter().map(content).collect();
    let mut hash = Sha256::new();
    for (sample, content) in dataset.samples.iter().zip(contents) {
        let split = sample.split.map_or("", |split| split.name());
        for field in [sample.path(), &dataset.classes[sample.label], split, &content] {
            // Lengths first: no two lists of fields give the same bytes.
            hash.update((field.len() as u64).to_le_bytes());
            hash.update(field);
        }
    }
    hexadecimal(&hash.finalize())
}

fn content(sample: &Sample) -> String {
    sample.content_hash().map_or_else(|_| "unreadable".into(), |digest| hexadecimal(&digest))
}

#[cfg(test)]
mod tests {
    use super::super::tests::dataset;
    use super::Sample;

    #[test]
    fn each_part_counts() {
        let original = dataset(&[2, 2], |_, _| None);
        let mut other = original.clone();
        assert_eq!(original.fingerprint(), other.fingerprint());
        other.samples[0] = Sample::file("class0/0000x".into(), "class0/0000".into(), 0, None, None);
        assert_ne!(original.fingerprint(), other.fingerprint());
        let mut cut = original.clone();
        cut.assign_validation(0.5, 1);
        assert_ne!(original.fingerprint(), cut.fingerprint());
    }

    #[test]
    fn the_bytes_count() {
        let folder = tempfile::tempdir().expect("a folder");
        let fingerprint = |content: &[u8]| {
            for (class, content) in [("a", b"1".as_slice()), ("b", content)] {
                std::fs::create_dir_all(folder.path().join(class)).expect("creates");
                std::fs::write(folder.path().join(class).join("1.png"), content).expect("writes");
            }
            super::Dataset::open(folder.path()).expect("opens").fingerprint()
        };
        assert_ne!(fingerprint(b"2"), fingerprint(b"3"));
    }
}
