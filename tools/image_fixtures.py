"""Makes small image files of the kinds that decoders get wrong: crates/headstart/tests/fixtures/.

    python tools/image_fixtures.py

Each file comes with NAME.expected.png: what Pillow (libjpeg-turbo) reads from it, turned by its EXIF orientation, on
black, in RGB. Files whose name begins with `bad_` must be refused and have no such partner. The pictures are drawn
without noise, so that no encoder setting matters much.
"""

import io
import pathlib

import numpy as np
from PIL import Image, ImageOps

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "crates/headstart/tests/fixtures"
WIDTH, HEIGHT = 40, 24
ORIENTATION = 0x0112


def picture():
    """[HEIGHT, WIDTH, 3] u8: a ramp a channel, and a dark corner that shows how the picture is turned."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    ramps = np.stack([255 * columns / WIDTH, 255 * rows / HEIGHT, 255 - 120 * columns / WIDTH], axis=-1)
    ramps[:8, :12] = 20
    return Image.fromarray(np.rint(ramps).astype(np.uint8))


def turned(orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif


def encoded(image, **options):
    file = io.BytesIO()
    image.save(file, **options)
    return file.getvalue()


def ycck(image):
    """A JPEG in YCCK. Pillow cannot write one, so it gets the converted channels as CMYK, and the Adobe segment then
    says what they are. Pillow stores a CMYK image inverted: so are the channels that go in."""
    cmyk = np.asarray(image.convert("CMYK").point(lambda value: value // 2 + 30))
    stored = 255 - cmyk
    # The stored channels, read as RGB, are what YCCK codes as YCbCr, complemented.
    ycc = np.asarray(Image.fromarray(255 - stored[..., :3]).convert("YCbCr"))
    channels = np.dstack([ycc, stored[..., 3]])
    jpeg = bytearray(encoded(Image.fromarray(255 - channels, "CMYK"), format="JPEG", quality=95, subsampling=0))
    transform = jpeg.index(b"Adobe") + 11
    assert jpeg[transform] == 0
    jpeg[transform] = 2
    return bytes(jpeg)


def files():
    image, grey = picture(), picture().convert("L")
    deep = Image.fromarray((np.asarray(grey).astype(np.uint16) * 257 + 1).astype(np.uint16))
    clear = image.copy()
    clear.putalpha(Image.fromarray(np.tile(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, 1))))
    jpeg = dict(format="JPEG", quality=95)
    yield "rgb.jpg", encoded(image, **jpeg)
    yield "progressive.jpg", encoded(image, progressive=True, **jpeg)
    yield "grey.jpg", encoded(grey, **jpeg)
    yield "cmyk.jpg", encoded(image.convert("CMYK").point(lambda value: value // 2 + 30), **jpeg)
    yield "ycck.jpg", ycck(image)
    yield "adobe_rgb.jpg", encoded(image, keep_rgb=True, **jpeg)
    for orientation in (3, 6):
        yield f"orientation_{orientation}.jpg", encoded(image, exif=turned(orientation), **jpeg)
    yield "orientation_8.png", encoded(image, format="PNG", exif=turned(8))
    yield "palette.png", encoded(image.quantize(16), format="PNG")
    yield "bilevel.png", encoded(grey.convert("1"), format="PNG")
    yield "alpha.png", encoded(clear, format="PNG")
    yield "deep_grey.png", encoded(deep, format="PNG")
    yield "deep_grey.tif", encoded(deep, format="TIFF")
    yield "lzw.tif", encoded(image, format="TIFF", compression="tiff_lzw")
    yield "palette.bmp", encoded(image.quantize(16), format="BMP")
    yield "lossy.webp", encoded(image, format="WEBP", quality=90)
    yield "alpha.webp", encoded(clear, format="WEBP", lossless=True)
    for kind in ("PNG", "TIFF", "WEBP"):
        others = dict(save_all=True, append_images=[image.rotate(180), image.rotate(90)])
        yield f"frames.{kind.lower()}", encoded(image, format=kind, **others)
    yield "bad_cut.jpg", encoded(image, **jpeg)[:500]
    yield "bad_cut_progressive.jpg", encoded(image, progressive=True, **jpeg)[:-60]
    yield "bad_empty.jpg", b""
    yield "bad_text.jpg", b"The picture is in the other mail.\n"


def expected(file):
    """What must be read: 16-bit images stay so (a NumPy array that is saved as it is)."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(file)))
    if image.mode.startswith("I;16"):
        return image
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "black"), image).convert("RGB")
    return image.convert("RGB")


def main():
    FIXTURES.mkdir(parents=True, exist_ok=True)
    for name, content in files():
        (FIXTURES / name).write_bytes(content)
        if not name.startswith("bad_"):
            expected(content).save(FIXTURES / f"{name}.expected.png", optimize=True)
        print(f"{name}: {len(content)} bytes")


if __name__ == "__main__":
    main()
