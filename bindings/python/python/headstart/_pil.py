"""Images of PIL as arrays, as headstart's own decoder would read their files."""

from typing import Any

import numpy as np

#: Modes of 16-bit grey levels.
_DEEP = ("I;16", "I;16L", "I;16B", "I;16N")


def array(image: Any) -> "np.ndarray[Any, Any]":
    """EXIF orientation is applied, transparency is laid on black, and 16-bit levels keep their depth."""
    from PIL import ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode in _DEEP:
        return np.asarray(image).astype(np.uint16)
    if image.mode in ("I", "F"):
        return _levels(image)
    if image.mode in ("L", "RGB") and "transparency" not in image.info:
        return np.asarray(image)
    if "A" in image.getbands() or "a" in image.mode or "transparency" in image.info:
        return _on_black(np.asarray(image.convert("RGBA")))
    return np.asarray(image.convert("L" if image.mode == "1" else "RGB"))


def _levels(image: Any) -> "np.ndarray[Any, Any]":
    levels = np.asarray(image)
    if image.mode == "F" or levels.min() < 0 or levels.max() > 65535:
        raise ValueError(f"expected grey levels from 0 to 65535, found an image of PIL's mode {image.mode}")
    return levels.astype(np.uint16)


def _on_black(pixels: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    alpha = pixels[..., 3:].astype(np.uint16)
    return ((pixels[..., :3] * alpha + 127) // 255).astype(np.uint8)
