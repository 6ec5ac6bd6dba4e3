//! Named changes of stated strength, by which a model is put to the test: what another hospital's device, archive or
//! screenshot would do to the same picture.

use super::affine::Affine;
use super::tone::Tone;
use super::{Augment, Setting, Strength, Style, Stylist};

/// All changes at once, at random: how the restyled validation images are made.
pub const RESTYLED: Augment = Augment {
    views: 1,
    replace: true,
    strength: Strength::Share(1.0),
    flip: false,
    area: Some(Setting::always(0.6, 1.0)),
    aspect: Some(Setting::always(0.67, 1.5)),
    rotation: Some(Setting::always(-8.0, 8.0)),
    shift: None,
    scale: None,
    gamma: Some(Setting::always(0.67, 1.5)),
    contrast: Some(Setting::always(-0.33, 0.5)),
    brightness: Some(Setting::always(-0.1, 0.1)),
    histogram: None,
    resolution: Some(Setting::sometimes(0.3, 0.9, 0.35)),
    blur: Some(Setting::sometimes(0.3, 2.0, 0.2)),
    sharpen: Some(Setting::sometimes(0.5, 2.0, 0.15)),
    noise: None,
    jpeg: Some(Setting::always(40.0, 95.0)),
};

/// One of the changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Perturbation {
    /// In words, with its strength.
    pub name: &'static str,
    change: Change,
}

#[derive(Debug, Clone, PartialEq)]
enum Change {
    /// The same of every image.
    Fixed(Box<Style>),
    /// Drawn for each image.
    Restyled,
}

impl Perturbation {
    /// What it makes of the image with this content: always the same.
    pub fn style(&self, content: &[u8; 32]) -> Style {
        match &self.change {
            Change::Fixed(style) => (**style).clone(),
            Change::Restyled => Stylist::new(RESTYLED).style(content, 0),
        }
    }
}

/// All of them, in the order of the report.
pub fn perturbations() -> Vec<Perturbation> {
    let plain = Style::default;
    let part = |width: f32, height: f32| Style {
        region: [(1.0 - width) / 2.0, (1.0 - height) / 2.0, width, height],
        ..plain()
    };
    let tone = |tone: Tone| Style { tone, ..plain() };
    let fixed = |name, style: Style| Perturbation { name, change: Change::Fixed(Box::new(style)) };
    vec![
        fixed("aspect ×0.75", part(1.0, 0.75)),
        fixed("aspect ×1.33", part(0.75, 1.0)),
        fixed("crop to 85 % of the side", part(0.85, 0.85)),
        fixed("black border of 5 %", Style { border: Some(0.05), ..plain() }),
        fixed("turned by 8°", Style { affine: Affine::new(8.0, 0.0, [0.0; 2], false), ..plain() }),
        fixed("half the resolution", Style { resolution: Some(0.5), ..plain() }),
        fixed("a quarter of the resolution", Style { resolution: Some(0.25), ..plain() }),
        fixed("JPEG quality 30", Style { quality: Some(30.0), ..plain() }),
        fixed("blur of 1.5 pixels", Style { blur: Some(1.5), ..plain() }),
        fixed("sharpened", Style { sharpen: Some(1.5), ..plain() }),
        fixed("gamma 0.7", tone(Tone { gamma: Some(0.7), ..Tone::default() })),
        fixed("gamma 1.4", tone(Tone { gamma: Some(1.4), ..Tone::default() })),
        fixed("contrast −30 %", tone(Tone { contrast: Some(-0.3), ..Tone::default() })),
        fixed("contrast +30 %", tone(Tone { contrast: Some(0.3), ..Tone::default() })),
        fixed("lighter by 10 %", tone(Tone { brightness: Some(0.1), ..Tone::default() })),
        fixed("darker by 10 %", tone(Tone { brightness: Some(-0.1), ..Tone::default() })),
        Perturbation { name: "all at once, at random", change: Change::Restyled },
    ]
}
