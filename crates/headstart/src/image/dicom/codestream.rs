//! What a JPEG 2000 codestream takes to decode, from its headers (ITU-T T.800, annexes A and B). The decoder allocates
//! for each tile, precinct and code-block that is stated, and a few bytes can state billions.

use super::layout::Layout;
use super::markers::{byte, word};
use super::{DecodeError, damaged, truncated, unsupported};

const SIZE: u8 = 0x51;
const CODING: u8 = 0x52;
const CODING_OF_COMPONENT: u8 = 0x53;
const START_OF_TILE: u8 = 0x90;
const START_OF_DATA: u8 = 0x93;
const END: u8 = 0xD9;

/// Tiles, at most: their number has 16 bits.
const MOST_TILES: u64 = 65_535;
/// Bytes that the decoder may take for what it knows of precincts and code-blocks. An image of 100 million pixels with
/// the usual code-blocks of 64×64 takes a tenth.
const MOST_BOOKKEEPING: u64 = 512 << 20;
/// Bytes of a precinct, of a code-block with its places in two trees, and of a code-block's share of a layer.
const PRECINCT: u64 = 128;
const BLOCK: u64 = 192;
const LAYER: u64 = 24;

/// Refuses a codestream of other components than `layout` has, or one that takes too much.
pub(super) fn check(codestream: &[u8], layout: &Layout) -> Result<(), DecodeError> {
    let size = Size::read(codestream)?;
    if size.components != layout.channels as u64 {
        return Err(damaged(format!("{} JPEG 2000 channels, expected {}", size.components, layout.channels)));
    }
    if size.tiles() > MOST_TILES {
        return Err(damaged(format!("{} tiles of JPEG 2000, at most {MOST_TILES}", size.tiles())));
    }
    let most = Styles { codestream, components: size.components }.most(&size)?;
    let blocks = most.blocks.saturating_mul(BLOCK + LAYER * most.layers);
    let each = most.precincts.saturating_mul(PRECINCT).saturating_add(blocks);
    if each.saturating_mul(size.components) > MOST_BOOKKEEPING {
        return Err(unsupported(format!(
            "JPEG 2000 of {} precincts and {} code-blocks in a tile",
            most.precincts, most.blocks
        )));
    }
    Ok(())
}

/// What the segment SIZ says.
struct Size {
    /// Columns and rows of the reference grid up to the image's end.
    end: [u64; 2],
    tile: [u64; 2],
    tile_start: [u64; 2],
    components: u64,
}

impl Size {
    /// Where the numbers are, from the codestream's start on.
    fn read(codestream: &[u8]) -> Result<Self, DecodeError> {
        let pair = |at: usize| Ok::<_, DecodeError>([long(codestream, at)?, long(codestream, at + 4)?]);
        if byte(codestream, 3)? != SIZE {
            return Err(damaged("a JPEG 2000 codestream without its size"));
        }
        let (end, tile, tile_start) = (pair(8)?, pair(24)?, pair(32)?);
        if tile.contains(&0) {
            return Err(damaged("JPEG 2000 in tiles without pixels"));
        }
        Ok(Self { end, tile, tile_start, components: word(codestream, 40)?.into() })
    }

    fn tiles(&self) -> u64 {
        let along =
            |axis: usize| self.end[axis].saturating_sub(self.tile_start[axis]).div_ceil(self.tile[axis]);
        along(0).saturating_mul(along(1))
    }

    /// Width and height of a tile, at most.
    fn largest_tile(&self) -> [u64; 2] {
        [0, 1].map(|axis| self.tile[axis].min(self.end[axis]))
    }
}

/// Numbers of one component in one tile, the greatest of all that the headers state.
#[derive(Default)]
struct Most {
    precincts: u64,
    blocks: u64,
    layers: u64,
}

/// The coding styles in the headers of a codestream and of its tile-parts.
struct Styles<'a> {
    codestream: &'a [u8],
    components: u64,
}

impl Styles<'_> {
    fn most(&self, size: &Size) -> Result<Most, DecodeError> {
        let (bytes, mut most) = (self.codestream, Most::default());
        let (mut at, mut next_part) = (2, usize::MAX);
        while let Some([0xFF, marker]) = bytes.get(at..at + 2) {
            match *marker {
                END => break,
                // Without a segment.
                0x30..=0x3F => {
                    at += 2;
                    continue;
                }
                START_OF_DATA => {
                    // A part that ends in its own header is damaged, as the decoder finds.
                    at = next_part.max(at + 2);
                    continue;
                }
                START_OF_TILE => {
                    let length = long(bytes, at + 6)? as usize;
                    next_part = if length == 0 { usize::MAX } else { at.saturating_add(length) };
                }
                CODING => {
                    most.layers = most.layers.max(word(bytes, at + 6)?.into());
                    Style::read(bytes, at + 9, byte(bytes, at + 4)?)?.count(size.largest_tile(), &mut most);
                }
                CODING_OF_COMPONENT => {
                    let wide = usize::from(self.components > 256);
                    let flags = byte(bytes, at + 5 + wide)?;
                    Style::read(bytes, at + 6 + wide, flags)?.count(size.largest_tile(), &mut most);
                }
                _ => {}
            }
            at += 2 + usize::from(word(bytes, at + 2)?);
        }
        Ok(most)
    }
}

/// The parameters that the segments COD and COC share.
struct Style<'a> {
    levels: u8,
    /// Exponents of a code-block's sides.
    block: [u32; 2],
    /// A byte for each resolution; none where precincts are as large as can be.
    precincts: &'a [u8],
}

impl<'a> Style<'a> {
    fn read(bytes: &'a [u8], at: usize, flags: u8) -> Result<Self, DecodeError> {
        let levels = byte(bytes, at)?;
        let exponent = |at: usize| Ok::<_, DecodeError>(u32::from(byte(bytes, at)? & 0xF) + 2);
        let count = if flags & 1 == 1 { usize::from(levels) + 1 } else { 0 };
        let precincts = bytes.get(at + 5..at + 5 + count).ok_or_else(truncated)?;
        Ok(Self { levels, block: [exponent(at + 1)?, exponent(at + 2)?], precincts })
    }

    /// Counts the precincts and code-blocks of a tile of so many columns and rows.
    fn count(&self, tile: [u64; 2], most: &mut Most) {
        let (mut precincts, mut blocks) = (0u64, 0u64);
        for resolution in 0..=self.levels {
            let exponents =
                self.precincts.get(usize::from(resolution)).map_or([15; 2], |both| [both & 15, both >> 4]);
            let shrunk = u32::from(self.levels - resolution);
            // A sub-band of all but the least resolution has half its sides, and there are three.
            let (halved, bands) = if resolution == 0 { (0, 1) } else { (1, 3) };
            let along = |axis: usize| {
                let side = (tile[axis] >> shrunk.min(63)) + 1;
                let precinct = u32::from(exponents[axis]);
                let block = self.block[axis].min(precinct.saturating_sub(halved));
                ((side >> precinct) + 2, (side >> halved >> block) + 2)
            };
            let [(across, wide), (down, high)] = [along(0), along(1)];
            precincts = precincts.saturating_add(across.saturating_mul(down).saturating_mul(bands));
            blocks = blocks.saturating_add(wide.saturating_mul(high).saturating_mul(bands));
        }
        most.precincts = most.precincts.max(precincts);
        most.blocks = most.blocks.max(blocks);
    }
}

fn long(bytes: &[u8], at: usize) -> Result<u64, DecodeError> {
    let number = bytes.get(at..at + 4).and_then(<[u8]>::first_chunk).ok_or_else(truncated)?;
    Ok(u32::from_be_bytes(*number).into())
}

#[cfg(test)]
mod tests {
    use super::super::layout::Photometric;
    use super::*;

    fn layout() -> Layout {
        Layout {
            rows: 64,
            columns: 64,
            channels: 1,
            photometric: Photometric::Monochrome2,
            planar: false,
            bytes: 1,
            stored: 8,
            shift: 0,
            signed: false,
            frames: 1,
        }
    }

    /// Headers of a square image: its size and tile's, its components, and what its segment COD says behind `Scod`.
    fn headers(side: u32, tile: u32, components: u16, coding: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0xFF, 0x4F, 0xFF, SIZE];
        bytes.extend((38 + 3 * components).to_be_bytes());
        bytes.extend([0; 2]);
        [side, side, 0, 0, tile, tile, 0, 0].iter().for_each(|number| bytes.extend(number.to_be_bytes()));
        bytes.extend(components.to_be_bytes());
        (0..components).for_each(|_| bytes.extend([7, 1, 1]));
        bytes.extend([0xFF, CODING, 0, 2 + coding.len() as u8]);
        bytes.extend(coding);
        bytes
    }

    /// `Scod`, the order, layers, no transform of colours; then levels, code-block of 64×64, style, filter.
    const USUAL: [u8; 10] = [0, 0, 0, 1, 0, 5, 4, 4, 0, 1];

    #[test]
    fn a_usual_codestream_is_decoded() {
        assert_eq!(check(&headers(64, 64, 1, &USUAL), &layout()), Ok(()));
        // 100 million pixels, in tiles and in one; small code-blocks; twelve layers.
        assert_eq!(check(&headers(10_000, 512, 1, &USUAL), &layout()), Ok(()));
        assert_eq!(check(&headers(10_000, 10_000, 1, &USUAL), &layout()), Ok(()));
        assert_eq!(check(&headers(10_000, 10_000, 1, &[0, 0, 0, 12, 0, 5, 3, 3, 0, 1]), &layout()), Ok(()));
    }

    #[test]
    fn what_takes_too_much_is_refused() {
        let refused = |bytes: &[u8]| check(bytes, &layout()).expect_err("too much").to_string();
        let tiles = refused(&headers(6000, 1, 1, &USUAL));
        assert_eq!(tiles, "damaged DICOM: 36000000 tiles of JPEG 2000, at most 65535");
        assert!(refused(&headers(6000, 2, 1, &USUAL)).contains("9000000 tiles"));
        assert!(refused(&headers(64, 64, 16_384, &USUAL)).contains("16384 JPEG 2000 channels, expected 1"));
        // Precincts of a pixel, and code-blocks of 4×4 in 32 layers.
        let precincts = [&[1], &USUAL[1..], &[0; 6]].concat();
        assert!(refused(&headers(6000, 6000, 1, &precincts)).contains("precincts"));
        let blocks = [0, 0, 0, 32, 0, 5, 0, 0, 0, 1];
        assert!(refused(&headers(6000, 6000, 1, &blocks)).contains("code-blocks"));
        assert!(refused(&headers(64, 0, 1, &USUAL)).contains("without pixels"));
        // In the header of a tile-part, where the decoder obeys it, too.
        let mut late = headers(6000, 6000, 1, &USUAL);
        late.extend([0xFF, START_OF_TILE, 0, 10, 0, 0, 0, 0, 0, 0, 0, 1]);
        late.extend([0xFF, CODING, 0, 2 + precincts.len() as u8]);
        late.extend(&precincts);
        assert!(refused(&late).contains("precincts"));
    }

    #[test]
    fn headers_that_break_off_or_lead_in_circles_end() {
        let mut whole = headers(64, 64, 1, &USUAL);
        whole.extend([0xFF, START_OF_TILE, 0, 10, 0, 0, 0, 0, 0, 14, 0, 1, 0xFF, START_OF_DATA, 0xFF, END]);
        assert_eq!(check(&whole, &layout()), Ok(()));
        let length = whole.len() - 7;
        // A tile-part that is said to end before it begins.
        assert_eq!(check(&[&whole[..length], &[1], &whole[length + 1..]].concat(), &layout()), Ok(()));
        for end in 0..=whole.len() {
            // That it returns is what counts.
            let _ = check(&whole[..end], &layout());
        }
    }
}
