"""DICOM as pydicom reads it: small files of each kind, and what any file must show.

    python tools/golden_dicom.py                       makes crates/headstart/tests/fixtures/dicom/
    python tools/golden_dicom.py OUT [FILE...]         writes OUT/NAME.expected.png for each file
    python tools/golden_dicom.py OUT --pydicom         the same for the test files that come with pydicom

It takes pydicom, pylibjpeg with its libjpeg, openjpeg and rle parts, pyjpegls and imagecodecs. NAME.expected.png is the
first frame after Modality LUT, VOI (window or LUT) and MONOCHROME1 inverted, 16 bits for grey and 8 for colour. Where a
file asks for no window, its values go from black to white as they do in headstart: whole bytes as they are, others from
the least to the greatest. The pictures are drawn, the patients are invented.
"""

import io
import pathlib
import shutil
import sys

import imagecodecs
import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut, pixel_array
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    MPEG2MPML,
    RLELossless,
    SecondaryCaptureImageStorage,
)

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "crates/headstart/tests/fixtures/dicom"
WIDTH, HEIGHT = 41, 34
# The segment of a JPEG that says that its channels are RGB.
ADOBE_RGB = b"\xff\xee\x00\x0eAdobe\x00d\x00\x00\x00\x00\x00"


def picture(most, least=0):
    """[HEIGHT, WIDTH] int64: a slope, a dark corner and a flat bright block."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    values = (rows * 3 + columns * 5) / (3 * HEIGHT + 5 * WIDTH)
    values[:8, :12], values[19:28, 20:35] = 0.0, 1.0
    return np.rint(least + values * (most - least)).astype(np.int64)


def colours():
    """[HEIGHT, WIDTH, 3] u8"""
    grey = picture(255)
    return np.stack([grey, 255 - grey, np.roll(grey, 5, axis=1)], axis=-1).astype(np.uint8)


def dataset(values, bits=8, syntax=ExplicitVRLittleEndian, signed=False, **elements):
    """A file of plain pixels: [rows, columns], [rows, columns, 3], or frames of the former."""
    file = Dataset()
    file.file_meta = FileMetaDataset()
    file.file_meta.TransferSyntaxUID = syntax
    file.file_meta.MediaStorageSOPClassUID = file.SOPClassUID = SecondaryCaptureImageStorage
    file.file_meta.MediaStorageSOPInstanceUID = file.SOPInstanceUID = "1.2.3.4"
    file.PatientName, file.PatientID = "Invented^Somebody", "ID 7"
    frames = values if values.ndim == 3 and values.shape[-1] != 3 else values[None]
    file.SamplesPerPixel = 3 if values.shape[-1] == 3 else 1
    file.PhotometricInterpretation = "RGB" if file.SamplesPerPixel == 3 else "MONOCHROME2"
    if file.SamplesPerPixel == 3:
        file.PlanarConfiguration = 0
    if len(frames) > 1:
        file.NumberOfFrames = len(frames)
    file.Rows, file.Columns = frames.shape[1:3]
    file.BitsAllocated = 8 if bits <= 8 else 16
    file.BitsStored, file.HighBit, file.PixelRepresentation = bits, bits - 1, int(signed)
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    kind = np.dtype(f"{order}{'i' if signed else 'u'}{file.BitsAllocated // 8}")
    file.PixelData = frames.astype(kind).tobytes()
    file["PixelData"].VR = "OB" if bits <= 8 else "OW"
    for name, value in elements.items():
        setattr(file, name, value)
    return file


def encapsulated(file, syntax, *frames):
    """The same file with its pixels coded otherwise."""
    file.file_meta.TransferSyntaxUID = syntax
    file.PixelData = encapsulate(list(frames))
    file["PixelData"].VR = "OB"
    return file


def compressed(file, syntax, **options):
    file.compress(syntax, generate_instance_uid=False, **options)
    return file


def without_syntax(file):
    """It does not say how it is coded, which means as the default has it."""
    del file.file_meta.TransferSyntaxUID
    file.preamble = bytes(128)
    return file


def lut(entries, first, bits):
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries), first, bits])
    item.add_new("LUTData", "OW", np.asarray(entries, "<u2").tobytes())
    return Sequence([item])


def palette(file):
    for name, slope in (("Red", 60), ("Green", 200), ("Blue", 255)):
        entries = np.arange(32) * slope // 31 * 257
        file.add_new(f"{name}PaletteColorLookupTableDescriptor", "US", [32, 0, 16])
        file.add_new(f"{name}PaletteColorLookupTableData", "OW", entries.astype("<u2").tobytes())
    file.PhotometricInterpretation = "PALETTE COLOR"
    return file


def in_functional_groups(file):
    """An enhanced file: what frames share, and what the first has of its own."""
    voi, transformation, shared, first = Dataset(), Dataset(), Dataset(), Dataset()
    voi.WindowCenter, voi.WindowWidth = file.WindowCenter, file.WindowWidth
    transformation.RescaleSlope, transformation.RescaleIntercept = file.RescaleSlope, file.RescaleIntercept
    shared.PixelValueTransformationSequence = Sequence([transformation])
    first.FrameVOILUTSequence = Sequence([voi])
    del file.WindowCenter, file.WindowWidth, file.RescaleSlope, file.RescaleIntercept
    file.SharedFunctionalGroupsSequence = Sequence([shared])
    file.PerFrameFunctionalGroupsSequence = Sequence([first])
    return file


def jpeg(image, **options):
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="JPEG", quality=95, **options)
    return file.getvalue()


def files():
    twelve, deep = picture(4095), picture(60000, 300)
    signed = picture(1900, -1000)
    window = dict(WindowCenter="1500", WindowWidth="2200")
    rescale = dict(RescaleSlope="2.5", RescaleIntercept="-1024")
    yield "bytes", dataset(picture(255), syntax=ImplicitVRLittleEndian)
    yield "no_syntax", without_syntax(dataset(twelve, 12, syntax=ImplicitVRLittleEndian, **window))
    yield "no_window", dataset(twelve // 2 + 90, 12)
    yield "linear", dataset(twelve, 12, **window, **rescale)
    yield "linear_exact", dataset(signed, 16, signed=True, **window, VOILUTFunction="LINEAR_EXACT")
    yield "sigmoid", dataset(deep, 16, WindowCenter="30000", WindowWidth="25000", VOILUTFunction="SIGMOID")
    yield "two_windows", dataset(twelve, 12, WindowCenter=["900", "40"], WindowWidth=["700", "400"])
    yield "voi_lut", dataset(twelve, 12, VOILUTSequence=lut(np.arange(3000) ** 2 // 2200, 500, 12))
    table = lut(np.arange(4096)[::-1] * 15, 0, 16)
    yield "modality_lut", dataset(twelve, 12, ModalityLUTSequence=table, WindowCenter="30000", WindowWidth="50000")
    yield "monochrome1", dataset(twelve, 12, PhotometricInterpretation="MONOCHROME1", **window)
    yield "monochrome1_bytes", dataset(picture(255), PhotometricInterpretation="MONOCHROME1")
    yield "big_endian", dataset(deep, 16, syntax=ExplicitVRBigEndian)
    yield "deflated", dataset(deep, 16, syntax=DeflatedExplicitVRLittleEndian)
    yield "frames", dataset(np.stack([twelve, twelve[::-1], twelve]), 12, **window)
    yield "functional_groups", in_functional_groups(dataset(twelve, 12, **window, **rescale))
    yield "rgb", dataset(colours())
    planar = dataset(colours(), PlanarConfiguration=1)
    planar.PixelData = np.moveaxis(colours(), -1, 0).tobytes()
    yield "planar", planar
    yield "ybr_full", dataset(colours(), PhotometricInterpretation="YBR_FULL")
    yield "palette", palette(dataset(picture(40)))
    yield "rle", compressed(dataset(deep, 16), RLELossless)
    yield "rle_signed", compressed(dataset(signed, 16, signed=True, **window), RLELossless)
    yield "rle_rgb", compressed(dataset(colours()), RLELossless)
    yield "rle_frames", compressed(dataset(np.stack([deep, deep[::-1]]), 16), RLELossless)
    grey = jpeg(picture(255).astype(np.uint8))
    yield "jpeg", encapsulated(dataset(picture(255)), JPEGBaseline8Bit, grey)
    colour = dataset(colours(), PhotometricInterpretation="YBR_FULL_422")
    yield "jpeg_rgb", encapsulated(colour, JPEGBaseline8Bit, jpeg(colours(), subsampling=0))
    stub = b"\xff\xee\x00\x0cAdobe\x00\x00\x00\x00\x00"
    unsaid = jpeg(colours(), subsampling=0, keep_rgb=True).replace(ADOBE_RGB, stub)
    yield "jpeg_rgb_unsaid", encapsulated(dataset(colours()), JPEGBaseline8Bit, unsaid)
    for bits, values in ((8, picture(255)), (12, twelve), (16, deep)):
        coded = imagecodecs.ljpeg_encode(values.astype(np.uint8 if bits == 8 else np.uint16), bitspersample=bits)
        yield f"jpeg_lossless_{bits}", encapsulated(dataset(values, bits), JPEGLosslessSV1, coded)
    yield "jpeg_ls", compressed(dataset(twelve, 12, **window), JPEGLSLossless)
    yield "jpeg_ls_bytes", compressed(dataset(picture(255)), JPEGLSLossless)
    yield "jpeg_ls_deep", compressed(dataset(deep, 16), JPEGLSLossless)
    yield "jpeg_ls_near", compressed(dataset(twelve, 12), JPEGLSNearLossless, jls_error=3)
    yield "jpeg_ls_rgb", compressed(dataset(colours()), JPEGLSLossless)
    yield "jpeg_2000", compressed(dataset(twelve, 12, **window), JPEG2000Lossless)
    yield "jpeg_2000_signed", compressed(dataset(signed, 16, signed=True, **window), JPEG2000Lossless)
    yield "jpeg_2000_lossy", compressed(dataset(deep, 16), JPEG2000, j2k_cr=[4])
    yield "jpeg_2000_rgb", compressed(dataset(colours(), PhotometricInterpretation="YBR_RCT"), JPEG2000Lossless)


def refused():
    """Files whose name begins with `bad_`: why they are refused, the test says."""
    video = encapsulated(dataset(picture(255)), MPEG2MPML, b"\x00\x00\x01\xb3")
    yield "bad_video", video
    yield "bad_floats", floats()
    yield "bad_size", dataset(picture(255), Rows=60000, Columns=60000)
    yield "bad_window", dataset(picture(4095), 12, WindowCenter="5", WindowWidth="0")


def floats():
    file = dataset(picture(255))
    del file.PixelData
    file.BitsAllocated = 32
    file.FloatPixelData = picture(255).astype("<f4").tobytes()
    return file


def shown(file):
    """[rows, columns] u16 or [rows, columns, 3] u8: what the first frame shows."""
    frame = pixel_array(file, index=0)
    if file.PhotometricInterpretation == "PALETTE COLOR":
        rgb = apply_color_lut(frame, file).astype(float)
        most = 2 ** file.RedPaletteColorLookupTableDescriptor[2] - 1
        return np.rint(rgb / most * 255).astype(np.uint8)
    if file.SamplesPerPixel == 3:
        return np.rint(frame / (2**file.BitsStored - 1) * 255).astype(np.uint8)
    level = grey(apply_modality_lut(frame, file), file)
    if file.PhotometricInterpretation == "MONOCHROME1":
        level = 1 - level
    return np.rint(np.clip(level, 0, 1) * 65535).astype(np.uint16)


def grey(values, file):
    """0 is black, 1 is white."""
    bits, signed = file.BitsStored, file.PixelRepresentation == 1
    if "VOILUTSequence" in file:
        return apply_voi_lut(values, file) / (2 ** file.VOILUTSequence[0].LUTDescriptor[2] - 1)
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    if "ModalityLUTSequence" in file:
        least, most = 0, 2 ** file.ModalityLUTSequence[0].LUTDescriptor[2] - 1
    elif file.get("RescaleSlope") is not None:
        least, most = (limit * file.RescaleSlope + file.RescaleIntercept for limit in (least, most))
    if file.get("WindowWidth") is not None and file.get("WindowCenter") is not None:
        values = apply_voi_lut(values.astype(float), file)
    elif bits > 8 or "ModalityLUTSequence" in file or file.get("RescaleSlope", 1) != 1 or file.get("RescaleIntercept"):
        least, most = values.min(), values.max()
    return (values - least) / max(most - least, 1e-9)


def with_groups(file):
    """pydicom looks for window and slope at the top alone."""
    for groups in (file.get("PerFrameFunctionalGroupsSequence"), file.get("SharedFunctionalGroupsSequence")):
        for kind in ("FrameVOILUTSequence", "PixelValueTransformationSequence"):
            for element in (groups or [{}])[0].get(kind) or [[]]:
                for part in element:
                    if part.tag not in file:
                        file.add(part)
    return file


def save(file, path):
    if "TransferSyntaxUID" in file.file_meta:
        file.save_as(path, enforce_file_format=True)
    else:
        file.save_as(path, implicit_vr=True, little_endian=True)


def write_expected(path, out):
    file = pydicom.dcmread(path)
    # pydicom guesses how elements are coded, but wants to be told how pixels are.
    file.file_meta.setdefault("TransferSyntaxUID", ImplicitVRLittleEndian)
    Image.fromarray(shown(with_groups(file))).save(out / f"{path.stem}.expected.png")


def main():
    if len(sys.argv) == 1:
        shutil.rmtree(FIXTURES, ignore_errors=True)
        FIXTURES.mkdir(parents=True)
        for name, file in [*files(), *refused()]:
            path = FIXTURES / f"{name}.dcm"
            save(file, path)
            if not name.startswith("bad_"):
                write_expected(path, FIXTURES)
            print(f"{path.name}: {path.stat().st_size} bytes")
        return
    out, named = pathlib.Path(sys.argv[1]), [pathlib.Path(name) for name in sys.argv[2:] if name != "--pydicom"]
    if "--pydicom" in sys.argv:
        named += sorted((pathlib.Path(pydicom.__file__).parent / "data/test_files").glob("*.dcm"))
    for path in named:
        shutil.copyfile(path, out / path.name)
        try:
            write_expected(path, out)
        except Exception as why:  # It is to be read by headstart all the same, or refused.
            (out / f"{path.stem}.unread").write_text(f"{type(why).__name__}: {why}")


if __name__ == "__main__":
    main()
