//! A training's history as TensorBoard reads it: an event file, TFRecords of protobuf messages.
//!
//! Format: tensorflow/core/util/event.proto, summary.proto and core/lib/io/record_writer.h.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::history::History;

/// Name in the run folder; TensorBoard looks for `tfevents`.
pub(super) const FILE: &str = "events.out.tfevents.headstart";

/// Protobuf's wire types.
const VARINT: u8 = 0;
const EIGHT_BYTES: u8 = 1;
const BYTES: u8 = 2;
const FOUR_BYTES: u8 = 5;

/// The event file of a history: loss and accuracy of training and validation, AUC and rate, by epoch.
pub(super) fn events(history: &History) -> Vec<u8> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
    let total: f64 = history.epochs.iter().map(|record| record.seconds).sum();
    let mut time = since - total;
    let mut file = record(&event(time, 0, &field(3, BYTES, &bytes(b"brain.Event:2"))));
    for epoch in &history.epochs {
        time += epoch.seconds;
        let scalars = [
            ("loss/training", Some(epoch.train_loss)),
            ("loss/validation", Some(epoch.validation_loss)),
            ("accuracy/training", Some(epoch.train_accuracy)),
            ("accuracy/validation", Some(epoch.validation_accuracy)),
            ("auc/validation", epoch.validation_auc),
            ("learning_rate", Some(epoch.learning_rate)),
        ];
        let values = scalars.into_iter().filter_map(|(tag, value)| Some(scalar(tag, value?)));
        let summary = values.map(|value| field(1, BYTES, &bytes(&value))).collect::<Vec<_>>().concat();
        file.extend(record(&event(time, epoch.epoch as u64, &field(5, BYTES, &bytes(&summary)))));
    }
    file
}

fn event(time: f64, step: u64, what: &[u8]) -> Vec<u8> {
    [&field(1, EIGHT_BYTES, &time.to_le_bytes())[..], &field(2, VARINT, &varint(step)), what].concat()
}

fn scalar(tag: &str, value: f64) -> Vec<u8> {
    let value = (value as f32).to_le_bytes();
    [field(1, BYTES, &bytes(tag.as_bytes())), field(2, FOUR_BYTES, &value)].concat()
}

fn field(number: u8, wire_type: u8, content: &[u8]) -> Vec<u8> {
    [&[number << 3 | wire_type][..], content].concat()
}

fn bytes(content: &[u8]) -> Vec<u8> {
    [&varint(content.len() as u64)[..], content].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = vec![];
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// Length, its checksum, content, its checksum.
fn record(content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u64).to_le_bytes();
    [&length[..], &masked(&length), content, &masked(content)].concat()
}

fn masked(content: &[u8]) -> [u8; 4] {
    crc32c(content).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

/// Castagnoli's checksum, bit by bit: these files are small.
fn crc32c(content: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
    !content.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_castagnolis() {
        // RFC 3720, B.4, and the usual check value.
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn a_scalar_is_a_tag_and_a_float() {
        assert_eq!(scalar("a", 1.0), [0x0a, 1, b'a', 0x15, 0, 0, 0x80, 0x3f]);
        assert_eq!(varint(300), [0xac, 2]);
    }
}
