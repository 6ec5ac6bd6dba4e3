//! Every backbone against what was published of it.

use headstart::backbone::registry::ENTRIES;

/// Parameters of the whole net as published, and of the classifier that a backbone lacks.
const PUBLISHED: [(&str, usize, usize); 36] = [
    ("efficientnet-lite0", 4_652_008, 1_281_000),
    ("efficientnet-lite1", 5_416_680, 1_281_000),
    ("efficientnet-lite2", 6_092_072, 1_281_000),
    ("efficientnet-lite3", 8_197_096, 1_281_000),
    ("efficientnet-lite4", 13_006_568, 1_281_000),
    ("efficientnet-b0", 5_288_548, 1_281_000),
    ("efficientnet-b1", 7_794_184, 1_281_000),
    ("efficientnet-b2", 9_109_994, 1_409_000),
    ("efficientnet-b3", 12_233_232, 1_537_000),
    ("efficientnet-b4", 19_341_616, 1_793_000),
    ("efficientnet-b0-keras", 5_288_548, 1_281_000),
    ("densenet121", 7_978_856, 1_025_000),
    ("densenet169", 14_149_480, 1_665_000),
    ("densenet201", 20_013_928, 1_921_000),
    ("densenet121-keras", 7_978_856, 1_025_000),
    ("mobilenet-v2", 3_504_872, 1_281_000),
    ("mobilenet-v3-large", 5_483_032, 1_230_080 + 1_281_000),
    ("mobilenet-v3-small", 2_542_856, 590_848 + 1_025_000),
    ("mobilenet-v2-keras", 3_504_872, 1_281_000),
    ("resnet18", 11_689_512, 513_000),
    ("resnet34", 21_797_672, 513_000),
    ("resnet50", 25_557_032, 2_049_000),
    ("resnet101", 44_549_160, 2_049_000),
    ("resnet152", 60_192_808, 2_049_000),
    ("wide-resnet50-2", 68_883_240, 2_049_000),
    ("resnet50-keras", 25_583_592, 2_049_000),
    ("vgg16", 138_357_544, 123_642_856),
    ("vgg19-keras", 143_667_240, 123_642_856),
    ("vgg11", 132_863_336, 123_642_856),
    ("vgg13", 133_047_848, 123_642_856),
    ("vgg16-torchvision", 138_357_544, 123_642_856),
    ("vgg19", 143_667_240, 123_642_856),
    ("vgg11-bn", 132_868_840, 123_642_856),
    ("vgg13-bn", 133_053_736, 123_642_856),
    ("vgg16-bn", 138_365_992, 123_642_856),
    ("vgg19-bn", 143_678_248, 123_642_856),
];

#[test]
fn every_net_has_the_published_number_of_parameters() {
    for (entry, (name, whole, classifier)) in ENTRIES.iter().zip(PUBLISHED) {
        let spec = entry.spec();
        assert_eq!((entry.name, spec.name.as_str()), (name, name));
        assert_eq!(spec.parameter_count(), whole - classifier, "{name}");
        assert!(spec.blocks.iter().any(|block| block.name == spec.last_block), "{name}");
    }
}

#[test]
fn names_of_tensors_and_blocks_are_unique() {
    for entry in &ENTRIES {
        let spec = entry.spec();
        let mut names: Vec<String> =
            spec.all_layers().flat_map(|layer| layer.parameters()).map(|(name, _)| name).collect();
        names.extend(spec.blocks.iter().map(|block| block.name.clone()));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{}", entry.name);
    }
}
