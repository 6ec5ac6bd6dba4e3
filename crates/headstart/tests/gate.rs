//! What a trained model's gate refuses, where training and validation see restyled views.

use headstart::classifier::Verdict;
use headstart::image::{Augment, Image, Limits, Strength, decode};
use headstart::{Recipe, Trainer, phantom};

fn inverted(image: &Image) -> Image {
    let pixels = image.to_rgb8().iter().map(|level| 255 - level).collect();
    Image::from_rgb8(image.width(), image.height(), pixels)
}

#[test]
fn inverted_images_are_refused_though_views_count_as_familiar() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    phantom::write(&data, 80, 3).expect("draws");
    let default = Recipe::default();
    let augment = default.augment.map(|augment| Augment { strength: Strength::Share(1.0), ..augment });
    let recipe = Recipe { epochs: 1, augment, probe: false, stress_images: 0, ..default };
    let trainer = Trainer::new(&data).with_recipe(recipe).image_size(96).seed(1);
    let run = trainer.cache(folder.path().join("cache")).train().expect("trains");

    // Of phantoms that the model has not seen.
    let others = folder.path().join("others");
    phantom::write(&others, 12, 4).expect("draws");
    let (mut refused, mut inverted_refused) = (0, 0);
    for number in 0..12 {
        let file = others.join(phantom::CLASSES[number % 2]).join(format!("phantom{number:04}.png"));
        let image = decode(&std::fs::read(file).expect("reads"), &Limits::default()).expect("decodes");
        refused += usize::from(run.classifier.classify(&image).verdict == Verdict::Refused);
        let copy = run.classifier.classify(&inverted(&image));
        inverted_refused += usize::from(copy.verdict == Verdict::Refused);
    }
    assert!(refused <= 1 && inverted_refused >= 11, "{refused} as they are, {inverted_refused} inverted");
}
