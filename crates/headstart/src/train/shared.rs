//! Trainings that ranks share come to the same bits as trainings that one process does. The ranks are threads here;
//! `tools/check_mpi.sh` starts processes.

use std::path::Path;

use super::recipe::Recipe;
use super::{Job, assist, train};
use crate::image::{Image, encode_png};
use crate::observer::Silent;
use crate::random::Random;
use crate::ranks::tests::among;

/// Everything that a step draws: views, mixing, dropout.
const RECIPE: &str = "
backbone = 'efficientnet-lite0'
unfreeze = 'last-block'
loss = 'categorical-cross-entropy'
optimizer = 'adamw'
learning_rate = 1e-3
weight_decay = 0.01
batch_size = 8
epochs = 1
patience = 1
class_weights = true
validation_fraction = 0.2
validate_on = 'both'
augment = { views = 1, rotation = 10.0, contrast = 0.2 }
mix = { kind = 'mixup', alpha = 0.2 }
head = [{ kind = 'global-average-pool' }, { kind = 'dropout', rate = 0.2 }]
";

/// Dark pictures and bright ones, and one that is none.
fn pictures(folder: &Path) {
    let mut random = Random::new(5, 6);
    for (class, base) in [("bright", 120), ("dark", 40)] {
        std::fs::create_dir_all(folder.join(class)).expect("a folder");
        for number in 0..12 {
            let pixels = (0..32 * 32 * 3).map(|_| base + random.below(90) as u8).collect();
            let picture = encode_png(&Image::from_rgb8(32, 32, pixels));
            std::fs::write(folder.join(class).join(format!("{number:02}.png")), picture).expect("writes");
        }
    }
    std::fs::write(folder.join("dark/none.png"), b"no picture").expect("writes");
}

/// The sealed model of a training that so many ranks share, and how many files were set aside.
fn sealed(data: &Path, place: &Path, recipe: &Recipe, size: usize) -> (Vec<u8>, usize) {
    let cache = place.join(format!("cache{size}"));
    let job = Job { image_size: Some(32), ..Job::new(data.into(), recipe.clone(), cache) };
    let mut all = among(size, |ranks| {
        let job = Job { ranks: ranks.clone(), ..job.clone() };
        match ranks.is_first() {
            true => {
                train(&job, &mut Silent).map(|run| Some((run.model_bytes().to_vec(), run.set_aside.len())))
            }
            false => assist(&job, &mut Silent).map(|()| None),
        }
    });
    all.swap_remove(0).expect("trains").expect("the first has the model")
}

fn assert_shared(recipe: &str, ranks: &[usize]) {
    let place = tempfile::tempdir().expect("a folder");
    let data = place.path().join("data");
    pictures(&data);
    let recipe = Recipe::parse(recipe, Path::new("a test")).expect("a recipe");
    let alone = sealed(&data, place.path(), &recipe, 1);
    assert_eq!(alone.1, 1);
    for size in ranks {
        let shared = sealed(&data, place.path(), &recipe, *size);
        assert!(shared == alone, "{size} ranks come to another model");
        assert!(place.path().join(format!("cache{size}")).is_dir());
    }
}

#[test]
fn slices_of_steps() {
    assert_shared(&format!("slices = 8\n{RECIPE}"), &[2, 3]);
}

#[test]
fn whole_members_with_features_at_two_cuts() {
    let two_cuts = RECIPE.replace(
        "mix = { kind = 'mixup', alpha = 0.2 }",
        "folds = 3\nprobe = true\nthaw = { kind = 'head-first', epochs = 2 }",
    );
    assert_shared(&two_cuts, &[2]);
}
