//! What a user reads where something cannot work, held word for word. After a change that is meant,
//! `INSTA_UPDATE=always cargo test --release -p headstart-cli --test wording` writes it anew.

mod real_program;

use std::fs;
use std::path::Path;

use real_program::{headstart, pictures};

/// What the program says to each command in `folder`, and how it ends.
fn transcript(folder: &Path, commands: &[&str]) -> String {
    let said = |command: &&str| {
        let mut program = headstart(&folder.join("cache"));
        let program = program.current_dir(folder).env("COLUMNS", "100").env_remove("HEADSTART_TOKEN");
        let output = program.args(command.split(' ')).output().expect("it starts");
        let text = String::from_utf8([output.stdout, output.stderr].concat()).expect("text");
        // The folder has another name each time.
        let text = text.replace(&folder.display().to_string(), "FOLDER");
        let code = output.status.code().expect("it ends by itself");
        format!("$ headstart {command}\n{text}[{code}]\n")
    };
    commands.iter().map(said).collect::<Vec<_>>().join("\n")
}

/// Holds a transcript to the one that is kept.
fn assert_reads(name: &str, folder: &Path, commands: &[&str]) {
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, transcript(folder, commands)));
}

#[test]
fn data_that_cannot_be_trained_on() {
    let folder = tempfile::tempdir().expect("a folder");
    pictures(&folder.path().join("grey"), 2);
    fs::create_dir(folder.path().join("empty")).expect("creates");
    fs::create_dir_all(folder.path().join("one/only")).expect("creates");
    fs::copy(folder.path().join("grey/dark/000.png"), folder.path().join("one/only/1.png")).expect("copies");
    fs::write(folder.path().join("ids.csv"), "file,grade\na.png,3\n").expect("writes");
    let rows: String = (0..12).map(|row| format!("{row}.png,{}\n", ["x", "y"][row % 2])).collect();
    fs::write(folder.path().join("gone.csv"), format!("path,label\n{rows}")).expect("writes");
    pictures(&folder.path().join("more"), 12);
    fs::write(folder.path().join("text.npz"), "not an archive").expect("writes");
    assert_reads(
        "data",
        folder.path(),
        &[
            "train nowhere",
            "train empty",
            "train one",
            "train grey",
            "train ids.csv",
            "train gone.csv",
            "train text.npz",
            "train more --positive light",
            "split grey --folds 1",
        ],
    );
}

#[test]
fn settings_that_do_not_exist() {
    let folder = tempfile::tempdir().expect("a folder");
    pictures(&folder.path().join("grey"), 12);
    fs::write(folder.path().join("typo.toml"), "backbone = \"efficientnet-lite0\"\nepoch = 3\n")
        .expect("writes");
    let known = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes/default.toml"));
    let wild = known.expect("the recipe").replace("learning_rate = 3e-4", "learning_rate = -1");
    fs::write(folder.path().join("wild.toml"), wild).expect("writes");
    assert_reads(
        "settings",
        folder.path(),
        &[
            "trian grey",
            "train grey --recipe nonsense",
            "train grey --recipe typo.toml",
            "train grey --recipe wild.toml",
            "train grey --backbone resnet51",
            "train grey --backbone resnet50",
            "train grey --unfreeze block99",
            "train grey --epochs none",
            "train grey --batch-size 0",
            "train grey --train-images 1",
            "train --resume nowhere",
        ],
    );
}

#[test]
fn models_that_cannot_be_used() {
    let folder = tempfile::tempdir().expect("a folder");
    pictures(&folder.path().join("grey"), 2);
    fs::write(folder.path().join("text.safetensors"), "not tensors, but more than eight bytes")
        .expect("writes");
    fs::create_dir(folder.path().join("run")).expect("creates");
    assert_reads(
        "models",
        folder.path(),
        &[
            "predict model.safetensors grey",
            "predict text.safetensors grey",
            "predict run grey",
            "predict grey/dark/000.png grey",
            "evaluate nowhere grey",
            "serve text.safetensors",
            "summary resnet51",
            "export text.safetensors --format onnx",
            "compare run",
            "score grey --model text.safetensors --shard 3/3 --out scores",
            "score-merge nowhere",
        ],
    );
}
