//! Graphics processors: whether there is one, and whether its driver lets it be used.

use std::sync::{Mutex, PoisonError};

use burn::tensor::Device as Tensors;
#[cfg(any(feature = "metal", feature = "vulkan-wgsl"))]
use burn::tensor::wgpu::{WgpuBackend, WgpuInitError};

use super::{Device, DeviceClass};
use crate::error::{Error, Result};

/// The devices that this process has opened: Burn sets each up once.
static OPENED: Mutex<Vec<Device>> = Mutex::new(Vec::new());

/// Opens the first device of a kind.
pub(super) fn open(class: DeviceClass) -> Result<Device> {
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(device) = opened.iter().find(|device| device.class == class) {
        return Ok(device.clone());
    }
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
    let device = Device { class, name, tensors };
    opened.push(device.clone());
    Ok(device)
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

#[cfg(feature = "vulkan-wgsl")]
fn vulkan() -> Result<Tensors> {
    const NEEDED: &str = "a graphics processor and its Vulkan driver, which `vulkaninfo --summary` lists";
    by_interface(DeviceClass::Vulkan, WgpuBackend::Vulkan, NEEDED)
}

#[cfg(not(feature = "vulkan-wgsl"))]
fn vulkan() -> Result<Tensors> {
    Err(DeviceClass::Vulkan.unsupported())
}

#[cfg(feature = "metal")]
fn metal() -> Result<Tensors> {
    const NEEDED: &str = "a Mac";
    by_interface(DeviceClass::Metal, WgpuBackend::Metal, NEEDED)
}

#[cfg(not(feature = "metal"))]
fn metal() -> Result<Tensors> {
    Err(DeviceClass::Metal.unsupported())
}

/// Opens the default device of a graphics interface.
#[cfg(any(feature = "metal", feature = "vulkan-wgsl"))]
fn by_interface(class: DeviceClass, interface: WgpuBackend, needed: &str) -> Result<Tensors> {
    Tensors::wgpu_options().graphics_api(interface).init().map_err(|why| match why {
        WgpuInitError::AdapterUnavailable { .. } | WgpuInitError::UnsupportedGraphicsApi { .. } => {
            missing(class, needed)
        }
        why => Error::Device { device: class.name(), why: why.to_string() },
    })
}

#[cfg(any(feature = "cuda", feature = "metal", feature = "vulkan-wgsl"))]
fn missing(class: DeviceClass, needed: &str) -> Error {
    let why = format!("this machine has no {} device: it needs {needed}", class.title());
    Error::Device { device: class.name(), why }
}
