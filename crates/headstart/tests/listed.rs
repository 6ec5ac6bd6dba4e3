//! Images that a program or a table lists: trained on without a test split, and labels that no table has room for.

use headstart::dataset::{Dataset, LabelledFile, Split};
use headstart::{Classifier, Recipe, Trainer, phantom};

#[test]
fn a_list_is_trained_on_as_its_folder_is_and_a_model_is_its_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, cache) = (folder.path().join("data"), folder.path().join("cache"));
    phantom::write(&data, 16, 7).expect("draws");
    let classes: Vec<String> = phantom::CLASSES.map(String::from).to_vec();
    let list = || {
        let file = |(label, index): (usize, usize)| {
            let path = data.join(phantom::CLASSES[label]).join(format!("phantom{index:04}.png"));
            LabelledFile { path, label, split: None, group: None }
        };
        let all = (0..16).rev().flat_map(|index| [(1, index), (0, index)]);
        Dataset::from_files(classes.clone(), all.map(file).collect()).expect("opens")
    };
    let recipe = Recipe { epochs: 2, ..Recipe::find("linear-probe").expect("known") };
    let train = |trainer: Trainer| {
        trainer.with_recipe(recipe.clone()).image_size(32).cache(&cache).train().expect("trains")
    };

    let run = train(Trainer::new(&data));
    let bytes = run.model_bytes();
    assert_eq!(train(Trainer::on(list())).model_bytes(), bytes);
    let image = data.join("clear/phantom0003.png");
    let read = Classifier::from_bytes(&bytes, "the model").expect("loads");
    assert_eq!(
        read.classify_file(&image).expect("an image"),
        run.classifier.classify_file(&image).expect("one")
    );
    let problem = Classifier::from_bytes(&bytes[..99], "the model").expect_err("cut off").to_string();
    assert!(problem.starts_with("the model: "), "{problem}");

    let all = train(Trainer::on(list()).without_test());
    let splits: Vec<&str> = all.metrics.keys().map(String::as_str).collect();
    assert_eq!(splits, ["stressed", "validation"]);
    let images = all.classifier.description().training_images;
    assert!(images > run.classifier.description().training_images, "{images}");
    all.save(folder.path().join("run")).expect("a run without a test is written");

    let mut given = list();
    given.samples.iter_mut().step_by(4).for_each(|sample| sample.split = Some(Split::Test));
    let mut others = given.samples.iter_mut().filter(|sample| sample.split.is_none());
    others.by_ref().for_each(|sample| sample.split = Some(Split::Train));
    let kept = train(Trainer::on(given).without_test());
    assert_eq!(kept.metrics["test"].images, 8, "a test split that comes with the data stays");
}

#[test]
fn a_label_as_long_as_a_text_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let table = folder.path().join("images.csv");
    let text = |length: usize| {
        let row = |index: usize| format!("{index}.png,{}\n", ["well", &"é".repeat(length)][index % 2]);
        format!("path,label\n{}", (0..8).map(row).collect::<String>())
    };
    std::fs::write(&table, text(255)).expect("writes");
    assert_eq!(Dataset::open(&table).expect("opens").classes.len(), 2);
    std::fs::write(&table, text(256)).expect("writes");
    let why = Dataset::open(&table).expect_err("too long").to_string();
    assert!(why.contains("expected labels of at most 255 characters, found one of 256: ééé"), "{why}");
}
