//! Pictures for people: PNG files, and JPEGs inside of a page.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;

use super::Image;

/// Of JPEGs.
const QUALITY: u8 = 85;

/// The image as a PNG file's bytes, 8 bits a channel.
pub fn encode_png(image: &Image) -> Vec<u8> {
    let mut bytes = Vec::new();
    pixels(image)
        .write_with_encoder(PngEncoder::new(&mut bytes))
        .expect("an image in memory fits into a PNG");
    bytes
}

/// The image as a JPEG in a `data:` address, for `<img src>`.
pub(crate) fn data_uri(image: &Image) -> String {
    let mut bytes = Vec::new();
    pixels(image)
        .write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY))
        .expect("a picture for a page fits into a JPEG");
    format!("data:image/jpeg;base64,{}", STANDARD.encode(&bytes))
}

fn pixels(image: &Image) -> RgbImage {
    let (width, height) = (image.width() as u32, image.height() as u32);
    RgbImage::from_raw(width, height, image.to_rgb8().into_owned()).expect("these are all its pixels")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_png_comes_back() {
        let image = Image::from_grey8(3, 2, &[0, 50, 100, 150, 200, 250]);
        let decoded = super::super::decode(&encode_png(&image), &super::super::Limits::default());
        assert_eq!(decoded.expect("a PNG").to_rgb8(), image.to_rgb8());
        assert!(data_uri(&image).starts_with("data:image/jpeg;base64,/9j/"));
    }
}
