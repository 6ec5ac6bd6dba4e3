//! Training leaves every bit of the trunk as it was.

use std::fs;

use assert_cmd::Command;
use headstart::backbone::Backbone;
use headstart::backbone::spec::Layer;
use headstart::backbone::weights::Weights;
use headstart::train::Recipe;
use headstart::train::unfreeze_schedule::Thaw;
use image::{GrayImage, Luma};

#[test]
fn the_trunk_is_the_same_to_the_bit_after_training() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, run) = (folder.path().join("data"), folder.path().join("run"));
    for (class, base) in [("bright", 180u8), ("dark", 40)] {
        fs::create_dir_all(data.join(class)).expect("creates");
        for index in 0..12u32 {
            let picture =
                GrayImage::from_fn(32, 32, |x, y| Luma([base + ((x * 7 + y * 13 + index * 31) % 40) as u8]));
            picture.save(data.join(class).join(format!("{index}.png"))).expect("saves");
        }
    }
    let mut train = Command::new(env!("CARGO_BIN_EXE_headstart"));
    train.env("HEADSTART_CACHE", folder.path().join("cache")).arg("train").arg(&data);
    // All blocks behind the cut move from the first step on, so that whatever epoch is kept has moved them.
    let recipe = Recipe { thaw: Thaw::AtOnce, ..Recipe::find("default").expect("known") };
    let file = folder.path().join("recipe.toml");
    fs::write(&file, recipe.to_toml()).expect("writes");
    train.arg("--recipe").arg(file).args(["--image-size", "32", "--epochs", "1", "--out"]).arg(&run);
    train.assert().success();

    let path = run.join("model.safetensors");
    let model = Weights::from_safetensors(&fs::read(&path).expect("the model"), &path).expect("tensors");
    let before = Backbone::load("efficientnet-lite0", None).expect("embedded");
    let cut = before.spec.cut(&recipe.unfreeze).expect("a block");
    let blocks = before.spec.blocks.len();
    let digest = |weights: &Weights, range| {
        let layers: Vec<Layer> = before.spec.layers(range).cloned().collect();
        weights.digest(&layers)
    };
    assert_eq!(digest(&model, 0..cut), digest(&before.weights, 0..cut));
    assert_ne!(digest(&model, cut..blocks), digest(&before.weights, cut..blocks));
}
