//! Noise for drawn pictures.

/// A number that these numbers alone decide, and no simple rule: no picture is another one moved or brightened.
pub fn scattered(numbers: &[u32]) -> u32 {
    numbers.iter().fold(0, |mixed, number| {
        let mixed = (mixed ^ number).wrapping_mul(0x9E37_79B1);
        mixed ^ mixed >> 15
    })
}
