//! Pictures for people: PNG files, and JPEGs inside of a page.

use image::codecs::jpeg::JpegEncoder;
use image::{ImageFormat, RgbImage};

use super::Image;

/// Of JPEGs.
const QUALITY: u8 = 85;

/// The image as a PNG file's bytes, 8 bits a channel.
pub fn encode_png(image: &Image) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    pixels(image).write_to(&mut bytes, ImageFormat::Png).expect("an image in memory fits into a PNG");
    bytes.into_inner()
}

/// The image as a JPEG in a `data:` address, for `<img src>`.
pub(crate) fn data_uri(image: &Image) -> String {
    let mut bytes = Vec::new();
    pixels(image)
        .write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY))
        .expect("a picture for a page fits into a JPEG");
    format!("data:image/jpeg;base64,{}", base64(&bytes))
}

fn pixels(image: &Image) -> RgbImage {
    let (width, height) = (image.width() as u32, image.height() as u32);
    RgbImage::from_raw(width, height, image.to_rgb8().into_owned()).expect("these are all its pixels")
}

/// RFC 4648's base 64, padded.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            text.push(match digit <= group.len() {
                true => char::from(DIGITS[(bits >> (18 - 6 * digit)) as usize % 64]),
                false => '=',
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_64_is_that_of_rfc_4648() {
        let pairs = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        for (plain, encoded) in pairs {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn a_png_comes_back() {
        let image = Image::from_grey8(3, 2, &[0, 50, 100, 150, 200, 250]);
        let decoded = super::super::decode(&encode_png(&image), &super::super::Limits::default());
        assert_eq!(decoded.expect("a PNG").to_rgb8(), image.to_rgb8());
        assert!(data_uri(&image).starts_with("data:image/jpeg;base64,/9j/"));
    }
}
