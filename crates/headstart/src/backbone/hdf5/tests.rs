//! Files that Keras and h5py wrote (`tools/golden_keras.py`), whole and damaged.

use std::path::Path;

use super::*;

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/keras");
    std::fs::read(folder.join(name)).expect("the file")
}

/// Paths, shapes and the sums of values.
fn summary(name: &str) -> Vec<(String, Vec<usize>, f32)> {
    let tensors = read(&fixture(name)).unwrap_or_else(|found| panic!("{name}: {found}"));
    tensors.into_iter().map(|(name, tensor)| (name, tensor.shape, tensor.values.iter().sum())).collect()
}

#[test]
fn chunks_hold_what_lies_in_one_piece() {
    let whole = summary("saved.h5");
    let kernel = whole.iter().find(|(name, ..)| name.ends_with("conv/kernel")).expect("the kernel");
    assert_eq!(kernel.1, [3, 2, 3, 4]);
    let chunked = summary("chunked.h5");
    assert_eq!(chunked.len(), 10);
    for (name, shape, sum) in chunked {
        let layer: Vec<&str> = name.trim_end_matches(":0").split('/').skip(1).collect();
        let same = whole.iter().find(|(other, ..)| other.ends_with(&layer.join("/")));
        let (_, other_shape, other_sum) = same.unwrap_or_else(|| panic!("{name}: {whole:?}"));
        assert_eq!((&shape, sum), (other_shape, *other_sum), "{name}");
    }
}

#[test]
fn the_newest_version_is_read_too() {
    let newest = summary("newest.h5");
    let chunked = summary("chunked.h5");
    assert_eq!(newest.len(), chunked.len());
    for (name, shape, sum) in newest {
        // In the order in which they were written.
        let same = chunked.iter().find(|(other, ..)| *other == name);
        let (_, other_shape, other_sum) = same.unwrap_or_else(|| panic!("{name}"));
        assert_eq!(shape, *other_shape);
        // In half precision.
        assert!((sum - other_sum).abs() < 0.01, "{name}: {sum} {other_sum}");
    }
}

#[test]
fn damaged_and_shortened_files_end_in_an_error_or_in_numbers() {
    for name in ["saved.h5", "chunked.h5", "newest.h5", "old_names.h5"] {
        let whole = fixture(name);
        for length in (0..whole.len()).step_by(97) {
            let _ = read(&whole[..length]);
        }
        for place in (0..whole.len()).step_by(13) {
            for bit in [0, 6] {
                let mut damaged = whole.clone();
                damaged[place] ^= 1 << bit;
                let _ = read(&damaged);
            }
        }
    }
}

#[test]
fn what_is_stated_too_large_takes_no_memory() {
    let whole = fixture("newest.h5");
    // A dataspace of two axes: its sides are 8 bytes each.
    let place =
        whole.windows(20).position(|part| part[..4] == [2, 2, 1, 1] && part[4..12] == 4u64.to_le_bytes());
    let place = place.expect("the output's kernel");
    let mut lying = whole;
    lying[place + 4..place + 12].copy_from_slice(&(1u64 << 40).to_le_bytes());
    let found = read(&lying).expect_err("larger than the file");
    assert!(found.contains("too large for the file"), "{found}");
}

#[test]
fn groups_in_a_circle_have_an_end() {
    let mut file = fixture("chunked.h5");
    // The first entry of the first symbol table is made to lead to the root's header.
    let root = u64::from_le_bytes(file[64..72].try_into().expect("eight bytes"));
    let table = file.windows(4).position(|part| part == b"SNOD").expect("a table");
    file[table + 16..table + 24].copy_from_slice(&root.to_le_bytes());
    let found = read(&file).expect_err("a circle");
    assert!(found.contains("no end of them") || found.contains("in a circle"), "{found}");
}
