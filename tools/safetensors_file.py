"""Writes a safetensors file whose bytes depend on its content alone.

The safetensors package writes metadata in a random order, so the same tensors get another SHA-256 each time, and it
writes an array's memory as it lies, also where that is not row-major. Format: a little-endian u64, the length of a
JSON header padded with spaces to a multiple of 8; the header; the tensors.
"""

import json
import struct

import numpy as np

DTYPES = {np.dtype(np.float16): "F16", np.dtype(np.float32): "F32"}


def write(path, tensors, metadata):
    """f16 tensors stay f16, f32 tensors f32; others are refused. All metadata values are strings."""
    header, data, offset = {"__metadata__": dict(sorted(metadata.items()))}, [], 0
    # Wider elements first, so that each tensor is aligned to its own element.
    for name, array in sorted(tensors.items(), key=lambda item: (-item[1].dtype.itemsize, item[0])):
        data.append(array.astype(array.dtype.newbyteorder("<")).tobytes(order="C"))
        header[name] = {
            "dtype": DTYPES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + len(data[-1])],
        }
        offset += len(data[-1])
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(data))
