"""TensorBoard event files: records with checksums, of which the scalars are read and written here.

A record is its length (64 bits), the checksum of that, its data, and the checksum of the data. The data is an `Event`
of Google's protocol buffers: time (1), step (2), file version (3) and summary (5), whose values (1) have a tag (1), a
number (2), or a tensor (8) and metadata (9) with the name of the plugin that shows them.
"""

import struct
from typing import BinaryIO, Dict, Iterator, List, NamedTuple, Optional, Tuple, Union

LARGEST_SCALAR_RECORD = 1 << 16
"""The size in bytes of records that are read: those with images, sounds and histograms are mostly larger."""

_LENGTH = struct.Struct("<Q")
_CHECKSUM = struct.Struct("<I")
_DOUBLE = struct.Struct("<d")
_FLOAT = struct.Struct("<f")
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_CASTAGNOLI = 0x82F63B78
_MASK = 0xA282EAD8
_SCALARS = b"scalars"
_VERSION = b"brain.Event:2"
_DT_FLOAT, _DT_DOUBLE, _DT_INT32, _DT_INT64 = 1, 2, 3, 9
_CONTENTS = {_DT_FLOAT: "<f", _DT_DOUBLE: "<d", _DT_INT32: "<i", _DT_INT64: "<q"}
_VALUE_FIELDS = {_DT_FLOAT: 5, _DT_DOUBLE: 6, _DT_INT32: 7, _DT_INT64: 10}

_Field = Union[int, bytes]


class EventScalar(NamedTuple):
    """A number in an event file; the time is in seconds since 1970."""

    tag: str
    step: int
    time: float
    value: float


def read_scalars(file: BinaryIO) -> "Iterator[EventScalar]":
    """Yield the scalars of an event file in order, stopping at an incomplete or damaged record."""
    plugins: Dict[bytes, bytes] = {}
    for data in _read_records(file):
        try:
            yield from _decode_event(data, plugins)
        except (ValueError, IndexError, struct.error):
            return


def encode_version(unix_time: float) -> bytes:
    """Return an event file's first record, which contains the format's version and a Unix time."""
    return _encode_record(_encode_double(1, unix_time) + _encode_bytes(3, _VERSION))


def encode_scalar(scalar: EventScalar) -> bytes:
    """Return a scalar as a record of an event file."""
    value = _encode_bytes(1, scalar.tag.encode("utf-8")) + b"\x15" + _FLOAT.pack(_overflow_to_infinity(scalar.value))
    step = b"\x10" + _encode_varint(scalar.step & (2**64 - 1))
    return _encode_record(_encode_double(1, scalar.time) + step + _encode_bytes(5, _encode_bytes(1, value)))


def _overflow_to_infinity(value: float) -> float:
    """Return a number, or infinity of the same sign if the number exceeds the range of 32-bit floats."""
    try:
        _FLOAT.pack(float(value))
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
    return value


def _read_records(file: BinaryIO) -> "Iterator[bytes]":
    while True:
        head = file.read(12)
        if len(head) < 12 or _compute_checksum(head[:8]) != _CHECKSUM.unpack(head[8:])[0]:
            return
        (length,) = _LENGTH.unpack(head[:8])
        if length > LARGEST_SCALAR_RECORD:
            file.seek(length + 4, 1)
            continue
        data, checksum = file.read(length), file.read(4)
        if len(checksum) < 4 or _compute_checksum(data) != _CHECKSUM.unpack(checksum)[0]:
            return
        yield data


def _encode_record(data: bytes) -> bytes:
    length = _LENGTH.pack(len(data))
    return length + _CHECKSUM.pack(_compute_checksum(length)) + data + _CHECKSUM.pack(_compute_checksum(data))


def _build_crc_table() -> "List[int]":
    """Return the lookup table of CRC-32C."""
    table = []
    for byte in range(256):
        entry = byte
        for _ in range(8):
            entry = entry >> 1 ^ (_CASTAGNOLI if entry & 1 else 0)
        table.append(entry)
    return table


_CRC_TABLE = _build_crc_table()


def _compute_checksum(data: bytes) -> int:
    """Return the masked CRC-32C checksum of a record's data."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC_TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF


def _decode_event(data: bytes, plugins: "Dict[bytes, bytes]") -> "Iterator[EventScalar]":
    """Yield the scalars of an event; `plugins` maps tags to the plugins that earlier events named."""
    time, step = 0.0, 0
    summaries: List[bytes] = []
    for number, value in _iterate_fields(data):
        if number == 1:
            (time,) = _DOUBLE.unpack(_check_bytes(value))
        elif number == 2 and isinstance(value, int):
            step = value - (1 << 64) if value >> 63 else value
        elif number == 5:
            summaries.append(_check_bytes(value))
    for summary in summaries:
        for number, value in _iterate_fields(summary):
            if number == 1:
                found = _decode_value(_check_bytes(value), plugins)
                if found is not None:
                    yield EventScalar(found[0].decode("utf-8", "replace"), step, time, found[1])


def _decode_value(data: bytes, plugins: "Dict[bytes, bytes]") -> "Optional[Tuple[bytes, float]]":
    """Return the tag and the number of a summary value, or None if it is not a scalar."""
    tag = b""
    simple: Optional[float] = None
    tensor: Optional[bytes] = None
    for number, value in _iterate_fields(data):
        if number == 1:
            tag = _check_bytes(value)
        elif number == 2:
            (simple,) = _FLOAT.unpack(_check_bytes(value))
        elif number == 8:
            tensor = _check_bytes(value)
        elif number == 9:
            plugins.setdefault(tag, _decode_plugin_name(_check_bytes(value)))
    if simple is None and tensor is not None and plugins.get(tag) == _SCALARS:
        simple = _decode_tensor(tensor)
    return None if simple is None else (tag, simple)


def _decode_plugin_name(metadata: bytes) -> bytes:
    """Return the plugin's name in a summary's metadata, or an empty string if there is none."""
    for number, value in _iterate_fields(metadata):
        if number == 1:
            for inner, name in _iterate_fields(_check_bytes(value)):
                if inner == 1:
                    return _check_bytes(name)
    return b""


def _decode_tensor(data: bytes) -> "Optional[float]":
    """Return the number in a tensor with one element, or None for other tensors."""
    kind = 0
    content = b""
    packed: Dict[int, _Field] = {}
    for number, value in _iterate_fields(data):
        if number == 1 and isinstance(value, int):
            kind = value
        elif number == 4:
            content = _check_bytes(value)
        else:
            packed[number] = value
    layout = _CONTENTS.get(kind)
    if layout is None:
        return None
    if content:
        return float(struct.unpack(layout, content)[0])
    value = packed.get(_VALUE_FIELDS[kind], 0)
    if isinstance(value, int):
        return float(value)
    if kind in (_DT_FLOAT, _DT_DOUBLE):
        return float(struct.unpack(layout, value)[0])
    number, _ = _decode_varint(value, 0)
    return float(number - (1 << 64) if number >> 63 else number)


def _iterate_fields(data: bytes) -> "Iterator[Tuple[int, _Field]]":
    """Yield the number and value of each field of a protocol buffer message.

    Raises:
        ValueError, IndexError: It is no message.
    """
    place = 0
    while place < len(data):
        key, place = _decode_varint(data, place)
        kind = key & 7
        if kind == _VARINT:
            number, place = _decode_varint(data, place)
            yield key >> 3, number
            continue
        if kind == _BYTES:
            size, place = _decode_varint(data, place)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"a field of kind {kind}")
        if place + size > len(data):
            raise ValueError("a field that does not fit")
        yield key >> 3, data[place : place + size]
        place += size


def _decode_varint(data: bytes, offset: int) -> "Tuple[int, int]":
    number = shift = 0
    while True:
        byte = data[offset]
        offset += 1
        number |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return number, offset
        shift += 7
        if shift > 63:
            raise ValueError("a number that is too long")


def _check_bytes(value: _Field) -> bytes:
    """Return the value of a field; raise ValueError if it is a number."""
    if isinstance(value, int):
        raise ValueError("a number in the place of bytes")  # noqa: TRY004 - the data is wrong, not the program
    return value


def _encode_varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def _encode_bytes(field_number: int, data: bytes) -> bytes:
    return _encode_varint(field_number << 3 | _BYTES) + _encode_varint(len(data)) + data


def _encode_double(field_number: int, number: float) -> bytes:
    return _encode_varint(field_number << 3 | _FIXED64) + _DOUBLE.pack(number)
