//! What nets are computed on: the CPU, by kernels of our own, or a graphics processor, through Burn.

#[cfg(feature = "cube")]
mod graphics;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A kind of device, as a setting. Kinds differ in the last digits of what they compute, so that features of one are never
/// taken for those of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceClass {
    /// The processor. The same seed gives the same bits.
    #[default]
    Cpu,
    /// A graphics processor of NVIDIA, by its own interface.
    Cuda,
    /// A graphics processor of any maker, by the interface Vulkan.
    Vulkan,
    /// A graphics processor of Apple.
    Metal,
}

impl DeviceClass {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Cpu, Self::Cuda, Self::Vulkan, Self::Metal];

    /// As settings have it, and the cargo feature that it needs: `vulkan`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::Vulkan => "vulkan",
            Self::Metal => "metal",
        }
    }

    /// As its maker writes it.
    fn title(self) -> &'static str {
        match self {
            Self::Cpu => "CPU",
            Self::Cuda => "CUDA",
            Self::Vulkan => "Vulkan",
            Self::Metal => "Metal",
        }
    }

    /// Whether it is the CPU.
    pub fn is_cpu(&self) -> bool {
        *self == Self::Cpu
    }

    /// That this build cannot compute on it.
    #[cfg_attr(all(feature = "cuda", feature = "vulkan-wgsl", feature = "metal"), expect(dead_code))]
    fn unsupported(self) -> Error {
        let (name, title) = (self.name(), self.title());
        Error::Usage(format!(
            "device {name}: this build has no {title} support: build with --features {name}"
        ))
    }
}

impl fmt::Display for DeviceClass {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.name())
    }
}

impl FromStr for DeviceClass {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let known = Self::ALL.into_iter().find(|class| class.name() == text);
        known.ok_or_else(|| Error::setting("device", "cpu, cuda, vulkan or metal", text))
    }
}

/// A device that is there and can be computed on.
#[derive(Debug, Clone)]
pub struct Device {
    class: DeviceClass,
    name: String,
    #[cfg(feature = "train")]
    tensors: burn::tensor::Device,
}

impl Device {
    /// The CPU, which is always there.
    pub fn cpu() -> Self {
        Self {
            class: DeviceClass::Cpu,
            name: DeviceClass::Cpu.title().into(),
            #[cfg(feature = "train")]
            tensors: burn::tensor::Device::flex(),
        }
    }

    /// The first device of a kind, or the one that the system's settings name.
    ///
    /// # Errors
    /// [`Error::Usage`] where this build has no support for the kind, and [`Error::Device`] where the machine has no such
    /// device, or no driver for it.
    pub fn open(class: DeviceClass) -> Result<Self> {
        match class {
            DeviceClass::Cpu => Ok(Self::cpu()),
            #[cfg(feature = "cube")]
            DeviceClass::Cuda | DeviceClass::Vulkan | DeviceClass::Metal => graphics::open(class),
            #[cfg(not(feature = "cube"))]
            DeviceClass::Cuda | DeviceClass::Vulkan | DeviceClass::Metal => Err(class.unsupported()),
        }
    }

    /// Its kind.
    pub fn class(&self) -> DeviceClass {
        self.class
    }

    /// The interface and the device, as its driver calls it: `Vulkan, llvmpipe`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The device of Burn's tensors.
    #[cfg(feature = "train")]
    pub fn tensors(&self) -> &burn::tensor::Device {
        &self.tensors
    }

    /// Begins what was asked for: Burn waits for more that it could do together with it.
    #[cfg(feature = "cube")]
    pub(crate) fn begin(&self) {
        self.tensors.flush().expect("the device takes what it is asked for");
    }

    /// Waits until everything is computed that was asked for: a graphics processor works while the program goes on.
    #[cfg(feature = "train")]
    pub(crate) fn wait(&self) {
        self.tensors.sync().expect("the device computes what it was asked for");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_read_as_it_is_written() {
        for class in DeviceClass::ALL {
            assert_eq!(class.to_string().parse::<DeviceClass>().expect("known"), class);
        }
        let why = "gpu".parse::<DeviceClass>().expect_err("unknown").to_string();
        assert_eq!(why, "device: expected cpu, cuda, vulkan or metal, found gpu");
    }

    #[test]
    #[cfg(not(feature = "cube"))]
    fn a_build_without_support_says_which_one_has_it() {
        let why = Device::open(DeviceClass::Vulkan).expect_err("no support").to_string();
        assert_eq!(why, "device vulkan: this build has no Vulkan support: build with --features vulkan");
    }
}
