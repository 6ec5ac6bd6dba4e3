//! The protocol's tensors: images out of a request, predictions into an answer.

use axum::body::Bytes;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use headstart::classifier::Answer;
use serde_json::{Value, json};

use super::message::{InferRequest, InputTensor, MOST_ELEMENTS, OutputTensor};
use crate::problem::Problem;

/// What a model gives.
pub(super) const OUTPUTS: [&str; 3] = ["scores", "class", "verdict"];

/// The image files of a request, at most so many; `binary` is what follows its JSON. They are counted before
/// anything is decoded.
pub(super) fn images(request: InferRequest, binary: Bytes, most: usize) -> Result<Vec<Bytes>, Problem> {
    let (count, mut inputs) = (request.inputs.count, request.inputs.kept.into_iter());
    let (Some(tensor), 1) = (inputs.next(), count) else {
        return Err(wrong("a model takes one input, “image”"));
    };
    if tensor.name != "image" || tensor.datatype != "BYTES" {
        return Err(wrong("the input has to be “image”, of datatype BYTES"));
    }
    let sides = tensor.shape.all().filter(|sides| !sides.is_empty());
    let expected = sides.and_then(|sides| sides.iter().try_fold(1usize, |all, side| all.checked_mul(*side)));
    let count = count_of(&tensor, &binary)?;
    if expected != Some(count) {
        return Err(wrong("the input's shape does not fit the number of its elements"));
    }
    match count {
        0 => Err(Problem::Empty),
        count if count > most || count > MOST_ELEMENTS => Err(Problem::TooMany { limit: most }),
        _ => elements(tensor, binary),
    }
}

fn count_of(tensor: &InputTensor, binary: &Bytes) -> Result<usize, Problem> {
    match (&tensor.data, tensor.parameters.as_ref().and_then(|it| it.binary_data_size)) {
        (Some(data), None) => Ok(data.count),
        (None, Some(size)) if size == binary.len() => count_binary(binary),
        (None, Some(_)) => Err(wrong("the binary input is shorter or longer than it says")),
        _ => Err(wrong("the input needs data, or else a binary_data_size")),
    }
}

fn elements(tensor: InputTensor, binary: Bytes) -> Result<Vec<Bytes>, Problem> {
    let Some(data) = tensor.data else { return split(binary) };
    let decode =
        |text: String| STANDARD.decode(text).map(Bytes::from).map_err(|_| wrong("an image is no base64"));
    data.kept.into_iter().map(decode).collect()
}

/// The elements of a binary BYTES tensor: each follows its length, 32 bits, little-endian.
fn count_binary(mut binary: &[u8]) -> Result<usize, Problem> {
    let mut count = 0;
    while !binary.is_empty() {
        let (_, rest) = first_element(binary)?;
        (binary, count) = (rest, count + 1);
    }
    Ok(count)
}

fn split(binary: Bytes) -> Result<Vec<Bytes>, Problem> {
    let (mut elements, mut rest) = (Vec::new(), &binary[..]);
    while !rest.is_empty() {
        let (element, others) = first_element(rest)?;
        elements.push(binary.slice_ref(element));
        rest = others;
    }
    Ok(elements)
}

/// The first element, and what follows it.
fn first_element(binary: &[u8]) -> Result<(&[u8], &[u8]), Problem> {
    let cut_off = || wrong("a binary element is cut off");
    let (length, rest) = binary.split_first_chunk().ok_or_else(cut_off)?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(cut_off)
}

/// An output by its name.
pub(super) fn output(name: &str, answers: &[Answer]) -> Result<OutputTensor, Problem> {
    let images = answers.len();
    let words = |name, words: Vec<&str>| OutputTensor {
        name,
        datatype: "BYTES",
        shape: vec![images],
        data: Some(json!(words)),
        parameters: None,
    };
    match name {
        "scores" => {
            let scores: Vec<f32> = answers.iter().flat_map(|it| it.scores.clone()).collect();
            Ok(OutputTensor {
                name: "scores",
                datatype: "FP32",
                shape: vec![images, scores.len() / images.max(1)],
                data: Some(json!(scores)),
                parameters: None,
            })
        }
        "class" => {
            Ok(words("class", answers.iter().map(|it| it.decided_class().unwrap_or_default()).collect()))
        }
        "verdict" => Ok(words("verdict", answers.iter().map(|it| it.verdict.word()).collect())),
        _ => Err(Problem::Internal), // `message::wanted` lets no other through
    }
}

/// The same as binary data: FP32 little-endian, BYTES each behind its length.
pub(super) fn to_binary(tensor: &OutputTensor) -> Vec<u8> {
    let elements = tensor.data.as_ref().and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let bytes_of = |element: &Value| match element {
        Value::String(text) => [&(text.len() as u32).to_le_bytes(), text.as_bytes()].concat(),
        number => (number.as_f64().unwrap_or(f64::NAN) as f32).to_le_bytes().to_vec(),
    };
    elements.iter().flat_map(bytes_of).collect()
}

pub(super) fn wrong(why: &str) -> Problem {
    Problem::Tensor(why.to_owned())
}

#[cfg(test)]
mod tests {
    use headstart::classifier::Verdict;

    use super::*;

    #[test]
    fn a_binary_tensor_is_split_at_its_lengths() {
        let binary = Bytes::from_static(b"\x02\0\0\0ab\0\0\0\0\x01\0\0\0c");
        assert_eq!(split(binary), Ok(vec![Bytes::from("ab"), Bytes::new(), Bytes::from("c")]));
        assert_eq!(count_binary(b"\x02\0\0\0ab\0\0\0\0\x01\0\0\0c"), Ok(3));
        for broken in [&b"\x02\0\0\0a"[..], b"\x01\0\0", b"\xff\xff\xff\xffa"] {
            assert!(count_binary(broken).is_err(), "{broken:?}");
        }
    }

    #[test]
    fn scores_and_classes_become_bytes() {
        let answers = [Answer {
            class: "ab".to_owned(),
            label: 0,
            scores: vec![1.0, -2.0],
            verdict: Verdict::Decided,
            distance: None,
            oddness: None,
            unusual: false,
            plausible: None,
            frames: 1,
        }];
        let binary = |name| to_binary(&output(name, &answers).expect("an output"));
        assert_eq!(binary("scores"), b"\0\0\x80\x3f\0\0\0\xc0");
        assert_eq!(binary("class"), b"\x02\0\0\0ab");
        assert_eq!(binary("verdict"), b"\x07\0\0\0decided");
    }
}
