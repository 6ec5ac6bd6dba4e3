//! What one setting of a view is drawn from: a range, and how often it is drawn at all.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::random::Random;

/// A range and a probability. In TOML a pair, `[0.5, 2.0]`, which always applies, or
/// `{ range = [0.5, 2.0], probability = 0.3 }`. Some settings take a single number, too.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setting {
    /// The least value.
    pub low: f32,
    /// The greatest value.
    pub high: f32,
    /// Share of the views that it applies to.
    pub probability: f32,
}

/// How a setting is written.
#[derive(Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "a number, a pair [LEAST, GREATEST] or { range = [LEAST, GREATEST], probability = SHARE }"
)]
enum Written {
    Number(f32),
    Range([f32; 2]),
    Table(Table),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    range: [f32; 2],
    probability: f32,
}

impl Setting {
    /// A range that applies to every view.
    pub const fn always(low: f32, high: f32) -> Self {
        Self { low, high, probability: 1.0 }
    }

    /// A range that applies to a share of the views.
    pub const fn sometimes(low: f32, high: f32, probability: f32) -> Self {
        Self { low, high, probability }
    }

    /// A value from the range, or `None` where it does not apply. Two random numbers are taken either way, so that one
    /// setting does not change what the next ones draw.
    pub(super) fn draw(setting: Option<Self>, random: &mut Random) -> Option<f32> {
        let (applies, place) = (random.unit(), random.unit());
        setting
            .filter(|setting| applies < setting.probability)
            .map(|setting| setting.low + (setting.high - setting.low) * place)
    }

    /// As [`Setting::draw`], but as likely to halve as to double: for factors.
    pub(super) fn draw_factor(setting: Option<Self>, random: &mut Random) -> Option<f32> {
        let logarithms = |setting: Self| Self { low: setting.low.ln(), high: setting.high.ln(), ..setting };
        Self::draw(setting.map(logarithms), random).map(f32::exp)
    }

    /// The same, `strength` of the way from `neutral`, which changes nothing.
    pub(super) fn scaled(self, neutral: f32, strength: f32) -> Self {
        let scale = |end: f32| neutral + (end - neutral) * strength;
        Self { low: scale(self.low), high: scale(self.high), ..self }
    }
}

impl Serialize for Setting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let range = [self.low, self.high];
        match self.probability {
            1.0 => Written::Range(range),
            probability => Written::Table(Table { range, probability }),
        }
        .serialize(serializer)
    }
}

fn read<'de, D: Deserializer<'de>>(
    deserializer: D,
    single: impl Fn(f32) -> Option<[f32; 2]>,
) -> Result<Option<Setting>, D::Error> {
    let (range, probability) = match Written::deserialize(deserializer)? {
        Written::Number(number) => {
            let range = single(number).ok_or_else(|| {
                serde::de::Error::custom(format!("expected a pair [LEAST, GREATEST], found {number}"))
            })?;
            // What may differ by nothing is left as it is.
            match number {
                0.0 => return Ok(None),
                _ => (range, 1.0),
            }
        }
        Written::Range(range) => (range, 1.0),
        Written::Table(Table { range, probability }) => (range, probability),
    };
    Ok(Some(Setting { low: range[0], high: range[1], probability }))
}

/// A pair or a table only.
pub(super) fn range<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Setting>, D::Error> {
    read(deserializer, |_| None)
}

/// A single number is how far it goes to either side of 0.
pub(super) fn around_zero<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Setting>, D::Error> {
    read(deserializer, |number| Some([-number, number]))
}

/// A single number is the most.
pub(super) fn up_to<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Setting>, D::Error> {
    read(deserializer, |number| Some([0.0, number]))
}

/// A single number is the value of every view.
pub(super) fn exactly<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Setting>, D::Error> {
    read(deserializer, |number| Some([number, number]))
}
