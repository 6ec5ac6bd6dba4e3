//! Views as a whole: what they change, and that they come again.

use super::*;
use crate::image::{ChannelOrder, Filter, Resize};

const SIZE: usize = 24;

fn preprocess() -> Preprocess {
    Preprocess {
        size: SIZE,
        resize: Resize::Squash,
        filter: Filter::Bilinear,
        channel_order: ChannelOrder::Rgb,
        mean: [100.0; 3],
        deviation: [50.0; 3],
    }
}

/// Grey levels `5·row + 3·column`.
fn picture() -> Image {
    let levels: Vec<u8> =
        (0..SIZE).flat_map(|row| (0..SIZE).map(move |column| (5 * row + 3 * column) as u8)).collect();
    Image::from_grey8(SIZE, SIZE, &levels)
}

fn view(augment: Augment, content: u8, number: usize) -> Vec<f32> {
    Stylist::new(augment).style(&[content; 32], number).apply(&preprocess(), &picture())
}

fn near(a: &[f32], b: &[f32]) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4)
}

#[test]
fn nothing_asked_changes_nothing() {
    assert!(near(&view(Augment { views: 1, ..Augment::default() }, 1, 1), &preprocess().apply(&picture())));
    let nothing = RESTYLED.at(0.0);
    // Files of the best quality still hold whole grey levels; the resolution's detour is none at its full size.
    assert!(near(&view(nothing, 1, 1), &preprocess().apply(&picture())), "{nothing:?}");
}

#[test]
fn views_differ_by_image_and_number_and_come_again() {
    let all = Augment { flip: true, noise: Some(Setting::always(4.0, 4.0)), ..RESTYLED };
    assert_eq!(view(all, 1, 1), view(all, 1, 1));
    assert_ne!(view(all, 1, 1), view(all, 1, 2));
    assert_ne!(view(all, 1, 1), view(all, 2, 1));
}

#[test]
fn a_setting_does_not_change_what_the_others_draw() {
    let style = |augment| Stylist::new(augment).style(&[7; 32], 3);
    let with = style(RESTYLED);
    let without = style(Augment { gamma: None, ..RESTYLED });
    assert!(with.tone.gamma.is_some() && without.tone.gamma.is_none());
    assert_eq!((with.region, with.quality, with.affine), (without.region, without.quality, without.affine));
}

#[test]
fn a_flip_mirrors_left_and_right() {
    let flips = |number| view(Augment { flip: true, ..Augment::default() }, 1, number);
    let plain = preprocess().apply(&picture());
    let mirrored: Vec<f32> =
        plain.chunks(3 * SIZE).flat_map(|row| row.iter().rev().copied().collect::<Vec<_>>()).collect();
    let drawn: Vec<Vec<f32>> = (0..20).map(flips).collect();
    assert!(drawn.iter().all(|view| near(view, &plain) || near(view, &mirrored)));
    assert!(drawn.iter().any(|view| near(view, &mirrored)) && drawn.iter().any(|view| near(view, &plain)));
}

#[test]
fn grey_stays_grey_within_the_range() {
    for number in 1..20 {
        for pixel in view(RESTYLED, 3, number).as_chunks::<3>().0 {
            assert!(pixel[0] == pixel[1] && pixel[1] == pixel[2]);
            assert!((-2.0..=3.1).contains(&pixel[0]), "{pixel:?}");
        }
    }
}

#[test]
fn colours_stay_colours() {
    let pixels: Vec<u8> = (0..SIZE * SIZE).flat_map(|at| [200, (at % 200) as u8, 20]).collect();
    let image = Image::from_rgb8(SIZE, SIZE, pixels);
    for number in 1..5 {
        let view = Stylist::new(RESTYLED).style(&[9; 32], number).apply(&preprocess(), &image);
        let mean = |channel: usize| view.iter().skip(channel).step_by(3).sum::<f32>() / (SIZE * SIZE) as f32;
        assert!(mean(0) > mean(1) && mean(1) > mean(2), "{} {} {}", mean(0), mean(1), mean(2));
    }
}

#[test]
fn crops_show_a_share_of_the_area_in_another_shape() {
    let augment = Augment {
        area: Some(Setting::always(0.5, 0.8)),
        aspect: Some(Setting::always(0.75, 1.33)),
        ..Augment::default()
    };
    let stylist = Stylist::new(augment);
    let regions: Vec<[f32; 4]> = (0..200).map(|number| stylist.style(&[5; 32], number).region).collect();
    for [left, top, width, height] in &regions {
        assert!(*left >= 0.0 && *top >= 0.0 && left + width <= 1.001 && top + height <= 1.001);
        assert!((0.499..0.801).contains(&(width * height)), "{width} × {height}");
        assert!((0.749..1.331).contains(&(width / height)), "{width} : {height}");
    }
    assert!(
        regions.iter().any(|region| region[2] > region[3])
            && regions.iter().any(|region| region[2] < region[3])
    );
}

#[test]
fn a_probability_is_how_often_a_setting_applies() {
    let augment = Augment { blur: Some(Setting::sometimes(1.0, 2.0, 0.3)), ..Augment::default() };
    let stylist = Stylist::new(augment);
    let blurred = (0..1000).filter(|number| stylist.style(&[1; 32], *number).blur.is_some()).count();
    assert!((250..350).contains(&blurred), "{blurred}");
}

#[test]
fn settings_are_read_as_numbers_pairs_and_tables() {
    let text = "views = 3\nstrength = \"auto\"\nrotation = 8.0\nblur = 2.0\ngamma = [0.7, 1.4]\n\
                resolution = { range = [0.3, 0.9], probability = 0.35 }\n";
    let augment: Augment = toml::from_str(text).expect("reads");
    assert_eq!(augment.rotation, Some(Setting::always(-8.0, 8.0)));
    assert_eq!(augment.blur, Some(Setting::always(0.0, 2.0)));
    assert_eq!(augment.resolution, Some(Setting::sometimes(0.3, 0.9, 0.35)));
    assert_eq!(augment.strength, Strength::Auto(Auto::Auto));
    let again: Augment = toml::from_str(&toml::to_string(&augment).expect("writes")).expect("reads again");
    assert_eq!(again, augment);
    let error = toml::from_str::<Augment>("gamma = 1.2\n").expect_err("a number alone").to_string();
    assert!(error.contains("expected a pair"), "{error}");
}

#[test]
fn every_perturbation_changes_the_picture_and_keeps_its_shape() {
    let plain = preprocess().apply(&picture());
    for perturbation in perturbations() {
        let changed = perturbation.style(&[2; 32]).apply(&preprocess(), &picture());
        assert_eq!(changed.len(), plain.len());
        assert!(!near(&changed, &plain), "{}", perturbation.name);
        assert!(changed.iter().all(|value| value.is_finite()));
    }
}
