//! Graphics processors: whether there is one, and whether its driver lets it be used.

use burn::tensor::Device as Tensors;
#[cfg(any(feature = "metal", feature = "vulkan"))]
use burn::tensor::wgpu::{WgpuBackend, WgpuInitError};

use super::{Device, DeviceClass};
use crate::error::{Error, Result};

/// Opens the first device of a kind.
pub(super) fn open(class: DeviceClass) -> Result<Device> {
    let tensors = match class {
        DeviceClass::Cpu => Tensors::flex(),
        DeviceClass::Cuda => cuda()?,
        DeviceClass::Vulkan => vulkan()?,
        DeviceClass::Metal => metal()?,
    };
    let name = match tensors.identity() {
        Some(identity) => format!("{}, {}", class.title(), identity.name),
        None => class.title().into(),
    };
    Ok(Device { class, name, tensors })
}

#[cfg(feature = "cuda")]
fn cuda() -> Result<Tensors> {
    let mut found = Tensors::enumerate(burn::tensor::DeviceType::Cuda).into_iter();
    found.next().ok_or_else(|| {
        missing(DeviceClass::Cuda, "an NVIDIA graphics processor and its driver, which `nvidia-smi` lists")
    })
}

#[cfg(not(feature = "cuda"))]
fn cuda() -> Result<Tensors> {
    Err(DeviceClass::Cuda.unsupported())
}

#[cfg(feature = "vulkan")]
fn vulkan() -> Result<Tensors> {
    const NEEDED: &str = "a graphics processor and its Vulkan driver, which `vulkaninfo --summary` lists";
    by_interface(DeviceClass::Vulkan, WgpuBackend::Vulkan, NEEDED, || Tensors::vulkan(Default::default()))
}

#[cfg(not(feature = "vulkan"))]
fn vulkan() -> Result<Tensors> {
    Err(DeviceClass::Vulkan.unsupported())
}

#[cfg(feature = "metal")]
fn metal() -> Result<Tensors> {
    const NEEDED: &str = "a Mac";
    by_interface(DeviceClass::Metal, WgpuBackend::Metal, NEEDED, || Tensors::metal(Default::default()))
}

#[cfg(not(feature = "metal"))]
fn metal() -> Result<Tensors> {
    Err(DeviceClass::Metal.unsupported())
}

/// Opens the default device of a graphics interface; `again` names the same where the process has opened it before.
#[cfg(any(feature = "metal", feature = "vulkan"))]
fn by_interface(
    class: DeviceClass,
    interface: WgpuBackend,
    needed: &str,
    again: impl FnOnce() -> Tensors,
) -> Result<Tensors> {
    match Tensors::wgpu_options().graphics_api(interface).init() {
        Ok(device) => Ok(device),
        Err(WgpuInitError::Registration { .. }) => Ok(again()),
        Err(WgpuInitError::AdapterUnavailable { .. } | WgpuInitError::UnsupportedGraphicsApi { .. }) => {
            Err(missing(class, needed))
        }
        Err(why) => Err(Error::Device { device: class.name(), why: why.to_string() }),
    }
}

#[cfg(any(feature = "cuda", feature = "metal", feature = "vulkan"))]
fn missing(class: DeviceClass, needed: &str) -> Error {
    let why = format!("this machine has no {} device: it needs {needed}", class.title());
    Error::Device { device: class.name(), why }
}
