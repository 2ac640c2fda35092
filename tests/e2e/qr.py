"""Reads a QR code as a phone does: a PNG of the sandbox (one bit a pixel, no filter) goes through zbar, the reader that Debian packages."""
import ctypes
import struct
import zlib


def pixels_of(png):
    """Width, height, and one byte a pixel: 0 black, 255 white."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n", png[:16]
    at, data, width, height = 8, b"", 0, 0
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at:at + 8])
        body = png[at + 8:at + 8 + length]
        assert zlib.crc32(kind + body) == struct.unpack(">I", png[at + 8 + length:at + 12 + length])[0], kind
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
            assert (depth, colour) == (1, 0)
        elif kind == b"IDAT":
            data += body
        at += length + 12
    rows, stride = zlib.decompress(data), (width + 7) // 8 + 1
    bits = (rows[y * stride + 1 + x // 8] >> (7 - x % 8) & 1 for y in range(height) for x in range(width))
    return width, height, bytes(255 if bit else 0 for bit in bits)


def read(png):
    """What the one code in the picture says."""
    zbar = ctypes.CDLL("libzbar.so.0")
    pointer = ctypes.c_void_p
    for name in ("zbar_image_scanner_create", "zbar_image_create", "zbar_image_first_symbol", "zbar_symbol_next"):
        getattr(zbar, name).restype = pointer
    zbar.zbar_symbol_get_data.restype = ctypes.c_char_p
    width, height, pixels = pixels_of(png)
    scanner, image = pointer(zbar.zbar_image_scanner_create()), pointer(zbar.zbar_image_create())
    zbar.zbar_image_scanner_set_config(scanner, 0, 0, 1)
    zbar.zbar_image_set_format(image, ctypes.c_ulong(int.from_bytes(b"Y800", "little")))
    zbar.zbar_image_set_size(image, width, height)
    kept = ctypes.create_string_buffer(pixels, len(pixels))
    zbar.zbar_image_set_data(image, kept, ctypes.c_ulong(len(pixels)), None)
    try:
        assert zbar.zbar_scan_image(scanner, image) == 1, "one code in the picture"
        return zbar.zbar_symbol_get_data(pointer(zbar.zbar_image_first_symbol(image))).decode()
    finally:
        zbar.zbar_image_destroy(image)
        zbar.zbar_image_scanner_destroy(scanner)
