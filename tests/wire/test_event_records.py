from __future__ import annotations

import base64
import io
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlrun_cli.wire.event_records import LARGEST_SCALAR_RECORD, EventScalar, encode_scalar, encode_version, read_scalars

OF_TENSORBOARD = base64.b64decode(
    "SAAAAAAAAAD+kkidCd1kKSClw9pBGg1icmFpbi5FdmVudDoyUi4KLHRlbnNvcmJvYXJkLnN1bW1hcnkud3JpdGVyLmV2ZW50X2ZpbGVfd3JpdGVy"
    "aLUWVy4AAAAAAAAAxctX+gkAACBA/FTZQRADKiEKHwoEbG9zc0IKCAESACoEAACAPkoLCgkKB3NjYWxhcnPizDbRGAAAAAAAAACjf0siCQAAQED8"
    "VNlBEAQqCwoJCgLDpBUAAADAYPOrVSkAAAAAAAAAN/9fAAkAAEBA/FTZQRAEKhwKGgoBdEILCAcSAEIFd29yZHNKCAoGCgR0ZXh0UKUPxS4AAAAA"
    "AAAAxctX+gkAAIBA/FTZQRAFKiEKHwoEbG9zc0IKCAESACoEAACAf0oLCgkKB3NjYWxhcnPGOdOZ"
)
"""A file that TensorBoard 2.21 has written: tensors, a plain number and a text."""
SCALARS = [
    EventScalar("loss", 3, 1700000000.5, 0.25),
    EventScalar("ä", 4, 1700000001.0, -2.0),
    EventScalar("loss", 5, 1700000002.0, math.inf),
]


def read(data: bytes) -> list[EventScalar]:
    return list(read_scalars(io.BytesIO(data)))


def test_the_scalars_of_a_file_of_tensorboard_are_read() -> None:
    assert read(OF_TENSORBOARD) == SCALARS


def test_a_file_that_still_grows_is_read_up_to_its_last_whole_record() -> None:
    counts = [len(read(OF_TENSORBOARD[:size])) for size in range(len(OF_TENSORBOARD) + 1)]
    assert counts == sorted(counts)
    assert set(counts) == {0, 1, 2, 3}


def test_nothing_behind_a_damaged_record_is_read() -> None:
    for place in range(len(OF_TENSORBOARD)):
        damaged = bytearray(OF_TENSORBOARD)
        damaged[place] ^= 0x10
        found = read(bytes(damaged))
        assert found == SCALARS[: len(found)]


def test_large_records_are_passed_over() -> None:
    large = struct.pack("<Q", LARGEST_SCALAR_RECORD + 1)
    head = encode_version(0)
    # The checksum of a length is in each record that has that length.
    assert read(head + large) == []
    scalar = EventScalar("n" * LARGEST_SCALAR_RECORD, 1, 2.0, 3.0)
    assert read(head + encode_scalar(scalar) + encode_scalar(SCALARS[0])) == [SCALARS[0]]


@given(
    st.lists(
        st.builds(
            EventScalar,
            tag=st.text(max_size=20).map(lambda text: text.encode("utf-8", "replace").decode("utf-8")),
            step=st.integers(-(2**63), 2**63 - 1),
            time=st.floats(0, 1e12),
            value=st.floats(width=32, allow_nan=False),
        )
    )
)
def test_scalars_that_are_written_are_read_again(scalars: list[EventScalar]) -> None:
    assert read(encode_version(1.5) + b"".join(map(encode_scalar, scalars))) == scalars


@pytest.mark.parametrize("value", [1e300, -1e300, math.nan])
def test_a_number_that_does_not_fit_is_written_as_the_nearest(value: float) -> None:
    ((_, _, _, found),) = read(encode_scalar(EventScalar("n", 0, 0.0, value)))
    assert math.isnan(found) if math.isnan(value) else found == math.copysign(math.inf, value)


@given(st.binary(max_size=200))
def test_what_is_no_event_file_has_no_scalars(data: bytes) -> None:
    assert read(data) == []
