//! What a program and its workers write to each other: a line of JSON with its length before it, and then bytes.

use std::io::{self, ErrorKind, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::image::{DecodeError, Format, Image, Limits, Pixels};

/// The longest line that is read: an error may quote a file.
const LONGEST: u32 = 1 << 20;

/// A file to decode; its bytes follow.
#[derive(Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) format: Format,
    pub(super) bytes: usize,
    pub(super) limits: Limits,
}

/// The head of a picture; its pixels follow.
#[derive(Serialize, Deserialize)]
struct Picture {
    width: usize,
    height: usize,
    frames: u32,
    /// Whether a channel has 16 bits, in this machine's order of bytes.
    deep: bool,
}

pub(super) fn write_request(to: &mut impl Write, request: &Request, file: &[u8]) -> io::Result<()> {
    write_line(to, request)?;
    to.write_all(file)?;
    to.flush()
}

/// The next file, or `None` when there will be no more.
pub(super) fn read_request(from: &mut impl Read) -> io::Result<Option<(Request, Vec<u8>)>> {
    let request: Request = match read_line(from) {
        Ok(request) => request,
        Err(why) if why.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        Err(why) => return Err(why),
    };
    let mut file = vec![0; request.bytes];
    from.read_exact(&mut file)?;
    Ok(Some((request, file)))
}

pub(super) fn write_answer(to: &mut impl Write, answer: &Result<Image, DecodeError>) -> io::Result<()> {
    let head = answer.as_ref().map(|image| Picture {
        width: image.width,
        height: image.height,
        frames: image.frames,
        deep: matches!(image.pixels, Pixels::Sixteen(_)),
    });
    write_line(to, &head)?;
    match answer.as_ref().map(|image| &image.pixels) {
        Ok(Pixels::Eight(pixels)) => to.write_all(pixels)?,
        Ok(Pixels::Sixteen(pixels)) => to.write_all(bytemuck::cast_slice(pixels))?,
        Err(_) => {}
    }
    to.flush()
}

pub(super) fn read_answer(from: &mut impl Read) -> io::Result<Result<Image, DecodeError>> {
    let Picture { width, height, frames, deep } = match read_line(from)? {
        Ok(picture) => picture,
        Err(refused) => return Ok(Err(refused)),
    };
    let image = if deep {
        let mut pixels = vec![0u16; width * height * 3];
        from.read_exact(bytemuck::cast_slice_mut(&mut pixels))?;
        Image::from_rgb16(width, height, pixels)
    } else {
        let mut pixels = vec![0; width * height * 3];
        from.read_exact(&mut pixels)?;
        Image::from_rgb8(width, height, pixels)
    };
    Ok(Ok(image.first_of(frames)))
}

fn write_line(to: &mut impl Write, what: &impl Serialize) -> io::Result<()> {
    let line = serde_json::to_vec(what)?;
    to.write_all(&[&(line.len() as u32).to_le_bytes(), line.as_slice()].concat())
}

fn read_line<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<T> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > LONGEST {
        return Err(ErrorKind::InvalidData.into());
    }
    let mut line = vec![0; length as usize];
    from.read_exact(&mut line)?;
    Ok(serde_json::from_slice(&line)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut sent = Vec::new();
        let request = Request { format: Format::Png, bytes: 3, limits: Limits::default() };
        write_request(&mut sent, &request, b"abc").expect("writes");
        let mut rest = sent.as_slice();
        let (again, file) = read_request(&mut rest).expect("reads").expect("a file");
        assert_eq!(
            (again.format, again.limits, file.as_slice()),
            (Format::Png, request.limits, b"abc".as_slice())
        );
        assert!(read_request(&mut rest).expect("the end").is_none());

        let deep = Image::from_rgb16(1, 2, vec![1, 2, 3, 4, 5, 60_000]).first_of(7);
        let refused = DecodeError::Damaged { format: Format::Tiff, why: "\"ä\n".into() };
        for answer in [Ok(deep), Ok(Image::from_grey8(2, 1, &[8, 9])), Err(refused), Err(DecodeError::Empty)]
        {
            let mut sent = Vec::new();
            write_answer(&mut sent, &answer).expect("writes");
            assert_eq!(read_answer(&mut sent.as_slice()).expect("reads"), answer);
        }
    }
}
