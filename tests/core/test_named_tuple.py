import pickle
from typing import Any
from typing import NamedTuple as TypingNamedTuple

import pytest

from mlrun_cli.core.named_tuple import NamedTuple


class Point(NamedTuple):
    """A place."""

    x: int
    y: int = 0
    unit: str = "m"

    @property
    def total(self) -> int:
        """The sum."""
        return self.x + self.y

    @classmethod
    def origin(cls) -> "Point":
        return cls(0)

    def __str__(self) -> str:
        return f"{self.x};{self.y} {self.unit}"


class TypingPoint(TypingNamedTuple):
    """A place."""

    x: int
    y: int = 0
    unit: str = "m"


class Empty(NamedTuple):
    pass


def outer() -> Any:
    class Inner(NamedTuple):
        value: int

    return Inner


def test_it_is_what_typing_makes() -> None:
    for name in ("_fields", "_field_defaults", "__doc__", "__module__", "__match_args__", "__slots__"):
        assert getattr(Point, name) == getattr(TypingPoint, name)
    assert Point.__annotations__ == {"x": int, "y": int, "unit": str}
    assert repr(Point(1)) == "Point(x=1, y=0, unit='m')"
    assert Point(1, unit="s")._replace(y=2) == (1, 2, "s")
    assert Empty() == ()
    assert isinstance(Point(1), tuple)
    assert Point._make([1, 2, "s"])._asdict() == {"x": 1, "y": 2, "unit": "s"}


@pytest.mark.parametrize(
    ("values", "named"), [((), {}), ((1, 2, "s", 3), {}), ((1,), {"x": 2}), ((1,), {"z": 2}), ((), {"y": 2})]
)
@pytest.mark.parametrize("earlier", [0, 1, 30])
def test_wrong_fields_are_refused_by_the_first_tuple_and_by_later_ones(
    earlier: int, values: tuple[Any, ...], named: dict[str, Any]
) -> None:
    class Fresh(NamedTuple):
        x: int
        y: int = 0
        unit: str = "m"

    for number in range(earlier):
        assert Fresh(number) == (number, 0, "m")
        assert Fresh(number, unit="s") == (number, 0, "s")
        assert Fresh(unit="s", y=1, x=number) == (number, 1, "s")
    for _ in range(2):
        with pytest.raises(TypeError, match="__new__"):
            Fresh(*values, **named)


def test_wrong_fields_are_refused_by_its_other_methods() -> None:
    with pytest.raises(TypeError):
        Point._make([1])
    with pytest.raises(TypeError, match="z"):
        Point(1)._replace(z=2)  # type: ignore[call-arg]


def test_a_class_below_it_has_its_fields() -> None:
    class Place(Point):
        def __new__(cls, x: int, y: int = 0) -> "Place":
            return super().__new__(cls, x, y, "km")

    assert Place(1) == (1, 0, "km")
    assert repr(Place(1)._replace(y=2)) == "Place(x=1, y=2, unit='km')"
    assert Point(1) == (1, 0, "m")


def test_methods_belong_to_it() -> None:
    assert Point(1, 2).total == 3
    assert Point.origin() == (0, 0, "m")
    assert str(Point(1)) == "1;0 m"
    assert outer().__qualname__ == "outer.<locals>.Inner"


def test_it_is_pickled_by_its_name() -> None:
    assert pickle.loads(pickle.dumps(Point(1))) == Point(1)
