//! `headstart inspect` on a made-up folder that has every fault once.

mod scattered;

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use image::imageops::{self, FilterType};
use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage};
use predicates::str::contains;
use scattered::scattered;
use serde_json::Value;

fn headstart(cache: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headstart"));
    command.env("HEADSTART_CACHE", cache);
    command
}

/// Side of a grain in pixels: one of a single pixel would not outlast another size.
const GRAIN: u32 = 3;

/// A picture that is its seed's alone: waves in all directions, with grain.
fn picture(seed: u32, width: u32, height: u32) -> GrayImage {
    let drawn =
        |number: u32| (seed.wrapping_mul(2_654_435_761).rotate_left(number * 7) % 1000) as f32 / 1000.0;
    let waves: Vec<[f32; 3]> = (0..6)
        .map(|wave| [drawn(wave) * 30.0 - 15.0, drawn(wave + 6) * 30.0 - 15.0, drawn(wave + 12) * 6.0])
        .collect();
    GrayImage::from_fn(width, height, |x, y| {
        let (right, down) = (x as f32 / width as f32, y as f32 / height as f32);
        let level: f32 = waves.iter().map(|[a, b, phase]| (a * right + b * down + phase).sin()).sum();
        let grain = (scattered(&[x / GRAIN, y / GRAIN, seed]) % 23) as f32;
        Luma([(110.0 + 12.0 * level + grain) as u8])
    })
}

fn save(picture: impl Into<DynamicImage>, path: &Path) {
    fs::create_dir_all(path.parent().expect("a class folder")).expect("creates");
    picture.into().save(path).expect("saves");
}

/// Twelve sound pictures of each class and split.
fn sound(data: &Path) {
    for (index, place) in ["train/cat", "train/dog", "test/cat", "test/dog"].iter().enumerate() {
        for number in 0..12 {
            let seed = 1 + index as u32 * 100 + number;
            save(picture(seed, 64, 48), &data.join(format!("{place}/{number:02}.png")));
        }
    }
}

/// Every fault, each in a file that is named after it.
fn faults(data: &Path) {
    let (cats, dogs, test) = (data.join("train/cat"), data.join("train/dog"), data.join("test/cat"));
    fs::write(cats.join("empty.png"), b"").expect("writes");
    fs::write(cats.join("text.png"), b"no picture at all").expect("writes");
    let whole = fs::read(cats.join("00.png")).expect("reads");
    fs::write(cats.join("cut.png"), &whole[..whole.len() / 2]).expect("writes");
    picture(501, 64, 48).save_with_format(cats.join("named.jpg"), ImageFormat::Png).expect("saves");
    fs::copy(cats.join("01.png"), cats.join("copy_same_class.png")).expect("copies");
    fs::copy(cats.join("02.png"), dogs.join("copy_other_class.png")).expect("copies");
    fs::copy(cats.join("03.png"), test.join("copy_other_split.png")).expect("copies");
    save(imageops::resize(&picture(5, 64, 48), 80, 60, FilterType::Triangle), &test.join("near_scaled.jpg"));
    save(imageops::flip_horizontal(&picture(6, 64, 48)), &cats.join("near_mirrored.png"));
    save(GrayImage::from_pixel(64, 48, Luma([3])), &dogs.join("black.png"));
    save(GrayImage::from_fn(64, 48, |x, _| Luma([100 + x as u8 / 8])), &dogs.join("flat.png"));
    save(picture(503, 160, 120), &dogs.join("large.png"));
    save(picture(504, 110, 28), &dogs.join("wide.png"));
    let grey = picture(505, 64, 48);
    save(
        RgbImage::from_fn(64, 48, |x, y| Rgb([grey.get_pixel(x, y).0[0], 60, 60])),
        &dogs.join("coloured.png"),
    );
    save(picture(506, 64, 48), &cats.join("person7_a_1.png"));
    save(picture(507, 64, 48), &test.join("person7_a_2.png"));
}

fn inspect(folder: &Path, more: &[&str]) -> Value {
    let mut command = headstart(&folder.join("cache"));
    let output = command.arg("inspect").arg(folder.join("data")).arg("--json").args(more).assert().success();
    serde_json::from_slice(&output.get_output().stdout).expect("nothing but JSON on standard output")
}

/// The strings at `field` of each item.
fn texts<'a>(items: &'a Value, field: &str) -> Vec<&'a str> {
    let items = items.as_array().expect("a list");
    items.iter().map(|item| item.pointer(field).and_then(Value::as_str).expect("a text")).collect()
}

/// Paths of each group, and whether it crosses classes and splits.
fn groups(items: &Value) -> Vec<(Vec<&str>, bool, bool)> {
    let items = items.as_array().expect("a list");
    let flag = |item: &Value, name: &str| item[name].as_bool().expect("a flag");
    let mut groups = Vec::new();
    for item in items {
        let paths = texts(&item["images"], "/path");
        groups.push((paths, flag(item, "across_classes"), flag(item, "across_splits")));
    }
    groups
}

#[test]
fn every_fault_is_found_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    sound(&data);
    faults(&data);
    let found = inspect(folder.path(), &["--no-label-check"]);

    assert_eq!(
        texts(&found["faults"], "/image/path"),
        ["train/cat/cut.png", "train/cat/empty.png", "train/cat/text.png"]
    );
    assert_eq!(texts(&found["faults"], "/kind"), ["truncated", "empty", "no-image"]);
    assert_eq!(texts(&found["misnamed"], "/image/path"), ["train/cat/named.jpg"]);
    assert_eq!(
        groups(&found["exact_duplicates"]),
        [
            (vec!["train/cat/02.png", "train/dog/copy_other_class.png"], true, false),
            (vec!["train/cat/03.png", "test/cat/copy_other_split.png"], false, true),
            (vec!["train/cat/01.png", "train/cat/copy_same_class.png"], false, false),
        ]
    );
    assert_eq!(
        groups(&found["near_duplicates"]),
        [
            (vec!["train/cat/04.png", "test/cat/near_scaled.jpg"], false, true),
            (vec!["train/cat/05.png", "train/cat/near_mirrored.png"], false, false),
        ]
    );
    assert_eq!(found["near_duplicates"][1]["mirrored"], true);
    let odd: Vec<(&str, &str)> = texts(&found["oddities"], "/kind")
        .into_iter()
        .zip(texts(&found["oddities"], "/image/path"))
        .collect();
    assert_eq!(
        odd,
        [
            ("black", "train/dog/black.png"),
            ("coloured", "train/dog/coloured.png"),
            ("low-contrast", "train/dog/flat.png"),
            ("size", "train/dog/large.png"),
            ("shape", "train/dog/wide.png"),
        ]
    );
    assert_eq!(texts(&found["shared_groups"], "/group"), ["person7"]);
    assert!(found["shortcuts"].as_array().expect("a list").iter().all(|cue| cue["flagged"] == false));
    assert!(found["labels"].is_null());
    assert_eq!(found["counts"][0]["images"], serde_json::json!([19, 18]));
}

#[test]
fn the_quarantine_is_what_train_excludes() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, list, page) =
        (folder.path().join("data"), folder.path().join("list.txt"), folder.path().join("page.html"));
    sound(&data);
    faults(&data);
    let mut command = headstart(&folder.path().join("cache"));
    command
        .arg("inspect")
        .arg(&data)
        .args(["--no-label-check", "--quarantine"])
        .arg(&list)
        .arg("--out")
        .arg(&page);
    command.assert().success().stdout(contains("SERIOUS  exact duplicates"));
    let listed = fs::read_to_string(&list).expect("the list");
    let expected = [
        "train/cat/02.png",
        "train/cat/03.png",
        "train/cat/04.png",
        "train/cat/copy_same_class.png",
        "train/cat/cut.png",
        "train/cat/empty.png",
        "train/cat/text.png",
        "train/dog/black.png",
        "train/dog/copy_other_class.png",
    ];
    assert_eq!(listed.lines().collect::<Vec<_>>(), expected);
    let page = fs::read_to_string(&page).expect("the page");
    assert!(page.contains("near_mirrored.png") && page.contains("data:image/jpeg;base64,"));

    let train = |list: &Path, out: &str| {
        let mut command = headstart(&folder.path().join("cache"));
        command.arg("train").arg(&data).args(["--image-size", "32", "--epochs", "1", "--exclude"]).arg(list);
        command.arg("--out").arg(folder.path().join(out)).assert()
    };
    train(&list, "run").success().stdout(contains("9 images left out"));
    let config = fs::read_to_string(folder.path().join("run/config.toml")).expect("the configuration");
    assert!(config.contains("# left out: "), "{config}");
    fs::write(&list, "train/cat/00.png\nnot/there.png\n").expect("writes");
    train(&list, "other").code(1).stderr(contains("found not/there.png"));
}

#[test]
fn a_blurred_picture_is_told_among_sharp_ones() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let grainy = |seed: u32| {
        GrayImage::from_fn(64, 48, |x, y| {
            let wave = 40.0 * ((x + y + 3 * seed) as f32 * 0.1).sin();
            Luma([(100.0 + wave) as u8 + ((x * 31 + y * 17 + x * y * 7 + seed * 13) % 47) as u8])
        })
    };
    for number in 0..12 {
        save(grainy(number), &data.join(format!("cat/{number:02}.png")));
        save(grainy(100 + number), &data.join(format!("dog/{number:02}.png")));
    }
    save(imageops::blur(&grainy(50), 3.0), &data.join("dog/blurred.png"));
    let found = inspect(folder.path(), &["--no-label-check"]);
    assert_eq!(texts(&found["oddities"], "/image/path"), ["dog/blurred.png"]);
    assert_eq!(texts(&found["oddities"], "/kind"), ["blurred"]);
}

#[test]
fn shortcuts_are_told_from_the_pictures_frames() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    for number in 0..40 {
        save(picture(1 + number, 64, 48), &data.join(format!("cat/{number:02}.png")));
        let mut framed = picture(301 + number, 64, 48);
        // Every dog but each fourth has a dark corner.
        for (x, y) in (0..8).flat_map(|y| (0..8).map(move |x| (x, y))).filter(|_| number % 4 != 0) {
            framed.put_pixel(x, y, Luma([0]));
        }
        save(framed, &data.join(format!("dog/{number:02}.png")));
    }
    let found = inspect(folder.path(), &["--no-label-check"]);
    let cue = &found["shortcuts"][0];
    assert_eq!(
        (&cue["cue"], &cue["class"], &cue["tells"]),
        (&"corner brightness".into(), &"dog".into(), &"less".into())
    );
    assert_eq!(cue["flagged"], true);
}

#[test]
fn a_wrong_label_is_suspected() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let stripes = |number: u32| {
        GrayImage::from_fn(64, 64, |x, _| {
            Luma([60 + if (x + number) % 8 < 4 { 120 } else { 0 } + (number % 9) as u8])
        })
    };
    for number in 0..30 {
        save(picture(1 + number, 64, 64), &data.join(format!("waves/{number:02}.png")));
        save(stripes(number), &data.join(format!("stripes/{number:02}.png")));
    }
    save(picture(700, 64, 64), &data.join("stripes/wrong.png"));
    let found = inspect(folder.path(), &[]);
    let suspects = &found["labels"]["suspects"];
    assert_eq!(texts(suspects, "/image/path"), ["stripes/wrong.png"]);
    assert_eq!(texts(suspects, "/likely"), ["waves"]);
}

#[test]
fn style_alone_tells_classes_that_were_made_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    for number in 0..30 {
        save(picture(1 + number, 64, 48), &data.join(format!("train/sharp/{number:02}.png")));
        let soft = imageops::blur(&picture(301 + number, 64, 48), 1.0);
        save(soft, &data.join(format!("train/soft/{number:02}.png")));
        // Held-out images are not looked at: here they are the other way round.
        let soft = imageops::blur(&picture(601 + number, 64, 48), 1.0);
        save(soft, &data.join(format!("test/sharp/{number:02}.png")));
        save(picture(901 + number, 64, 48), &data.join(format!("test/soft/{number:02}.png")));
    }
    let page = folder.path().join("page.html");
    let found = inspect(folder.path(), &["--no-label-check", "--out", page.to_str().expect("a path")]);
    let style = &found["style"];
    assert_eq!(style["images"], 60);
    let auc = |family: &str| {
        let families = style["families"].as_array().expect("a list").iter();
        families.filter(|tells| tells["family"] == family).find_map(|tells| tells["auc"]["value"].as_f64())
    };
    assert!(auc("bands").expect("measured") > 0.95 && auc("border").expect("measured") < 0.85, "{style}");
    assert!(style["all"]["value"].as_f64().expect("measured") > 0.95 && style["strength"] == 1.0);
    assert!(style["wrong"].as_f64().expect("measured") < 0.1 && style["wrong_by_guessing"] == 0.5);
    let page = fs::read_to_string(page).expect("the page");
    assert!(page.contains(">Style of the pictures</h2>") && page.contains("band energies"));

    let mut command = headstart(&folder.path().join("cache"));
    let shown = command.arg("inspect").arg(&data).arg("--no-label-check").assert().success();
    let shown = String::from_utf8(shown.get_output().stdout.clone()).expect("text");
    assert!(shown.contains("SERIOUS  style tells the class") && shown.contains("all together "), "{shown}");
    let meaning = shown.split("Style alone").nth(1).expect("a paragraph");
    assert!(meaning.lines().all(|line| line.len() < 80), "{meaning}");
    let words = meaning.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("of 60 training images wrong; always guessing"), "{words}");
}

#[test]
fn too_few_images_have_no_style() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    for number in 0..4 {
        save(picture(1 + number, 64, 48), &data.join(format!("cat/{number}.png")));
        save(picture(301 + number, 64, 48), &data.join(format!("dog/{number}.png")));
    }
    let found = inspect(folder.path(), &["--no-label-check"]);
    let why = found["style"]["skipped"].as_str().expect("a reason");
    assert!(why.starts_with("of cat there are fewer than 5 training images"), "{why}");
    assert!(found["style"]["all"]["value"].is_null() && found["style"]["strength"] == 0.0);
}
