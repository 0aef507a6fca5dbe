"""Reads and writes NumPy's .npz archives with the standard library alone.

An .npz file is a ZIP archive with one .npy file for each array. What is written here opens
with `numpy.load`; what is read here is what is written here: little-endian 64-bit floats
and integers in row-major order.
"""

import ast
import os
import struct
import zipfile

MAGIC = b"\x93NUMPY\x01\x00"
CODES = {"<f8": "d", "<i8": "q"}


def save(path, arrays):
    """Writes `arrays` (name -> nested lists or a number) to `path`, whole or not at all.

    The archive is built beside its place, brought to the disk and renamed, so that a reader,
    or a crash in the middle, never meets half a checkpoint.
    """
    partial = f"{path}.{os.getpid()}.tmp"
    try:
        with open(partial, "wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, values in arrays.items():
                    # A fixed date keeps equal contents equal byte by byte.
                    entry = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    archive.writestr(entry, _encode(values))
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        if os.path.exists(partial):
            os.remove(partial)
        raise


def load(path):
    """Reads `path` into a dictionary of name -> nested lists or a number."""
    with zipfile.ZipFile(path) as archive:
        return {
            entry.filename[: -len(".npy")]: _decode(archive.read(entry))
            for entry in archive.infolist()
        }


def _encode(values):
    shape, flat = _flatten(values)
    kind = "<i8" if all(isinstance(value, int) for value in flat) else "<f8"
    header = repr({"descr": kind, "fortran_order": False, "shape": shape})
    # The format asks that the data begin at a multiple of 64 bytes.
    padding = -(len(MAGIC) + 2 + len(header) + 1) % 64
    header = (header + " " * padding + "\n").encode("latin-1")
    data = struct.pack(f"<{len(flat)}{CODES[kind]}", *flat)
    return MAGIC + struct.pack("<H", len(header)) + header + data


def _decode(content):
    if not content.startswith(MAGIC):
        raise ValueError("not an .npy file of version 1.0")
    (length,) = struct.unpack_from("<H", content, len(MAGIC))
    start = len(MAGIC) + 2 + length
    header = ast.literal_eval(content[len(MAGIC) + 2 : start].decode("latin-1"))
    if header["fortran_order"] or header["descr"] not in CODES:
        raise ValueError(f"an array of kind {header['descr']} cannot be read here")
    code = CODES[header["descr"]]
    flat = list(struct.unpack(f"<{(len(content) - start) // 8}{code}", content[start:]))
    return _unflatten(header["shape"], flat)


def _flatten(values):
    if isinstance(values, (int, float)):
        return (), [values]
    if values and isinstance(values[0], (list, tuple)):
        return (len(values), len(values[0])), [value for row in values for value in row]
    return (len(values),), list(values)


def _unflatten(shape, flat):
    if len(shape) == 0:
        return flat[0]
    if len(shape) == 1:
        return flat
    width = shape[1]
    return [flat[start : start + width] for start in range(0, len(flat), width)]
