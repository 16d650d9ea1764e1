"""What scripts log, as expressions, for CPython 3.6 and later: azureml-core is asked what becomes of it, and we are."""

# The names that the expressions use, by more than a line of them each.
# mypy: ignore-errors
# ruff: noqa: E501, F401, UP

import array
import collections
import datetime
import decimal
import enum
import fractions
import functools
import importlib
import ipaddress
import itertools
import pathlib
import re
import types
import uuid


class Colour(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    HIGH = 3


class Word(str, enum.Enum):
    YES = "yes"


class Flags(enum.Flag):
    ON = 1


class Text(str):
    pass


class Whole(int):
    pass


class Real(float):
    pass


class Items(list):
    pass


class Plain:
    pass


class Spoken:
    def __str__(self):
        return "spoken"


class Shown:
    def __repr__(self):
        return "Shown()"


class Unspeakable:
    def __str__(self):
        raise RuntimeError("no str")


class Unshowable:
    def __repr__(self):
        raise RuntimeError("no repr")


class Unequal:
    """As a mask of a data frame: it compares to no truth value."""

    shape = property(lambda self: self)

    def __ne__(self, other):
        raise ValueError("ambiguous")

    __eq__ = __ne__
    __hash__ = None

    def __repr__(self):
        return "Unequal()"


class Tensor:
    """As one of PyTorch: `item` gives the number of one that has a single element."""

    def __init__(self, *numbers, shape=None):
        self.numbers = numbers
        self.shape = (len(numbers),) if shape is None else shape

    def item(self):
        if len(self.numbers) != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return self.numbers[0]

    def tolist(self):
        return self.numbers[0] if self.shape == () else list(self.numbers)

    def __iter__(self):
        if self.shape == ():
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.numbers)

    def __repr__(self):
        return "tensor(%s)" % (self.numbers[0] if self.shape == () else list(self.numbers))


class Greedy:
    """As a mock: it has whatever it is asked for."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise RuntimeError("no " + name)

    def __repr__(self):
        return "Greedy()"


Point = collections.namedtuple("Point", "x y")


def function():
    pass


def generator():
    yield 1


VALUES = {
    "log": """
        1; 0; -7; True; False; None; 0.5; 1e22; float('nan'); float('inf'); -float('inf'); 1e-320
        2**53 + 1; 2**63; 2**64; 2**200; -(2**63) - 1; 10**400; 1 << 20000
        'text'; ''; 'ünï'; 'a\\nb'; 'x' * 5000; '\\ud800'; Text('sub'); Whole(7); Real(1.5)
        Colour.RED; Level.HIGH; Word.YES; Flags.ON; Colour
        [1, 2]; []; Items([1]); range(3); (n for n in 'ab'); generator; generator()
        (1, 2); (); Point(1, 2); {1}; set(); frozenset([2]); {'a': 1}; {}; {'a': {'b': [1]}}; collections.OrderedDict(a=1)
        collections.Counter('a'); collections.defaultdict(int); collections.deque([1]); {'a': 1}.keys(); {'a': 1}.items()
        array.array('d', [1.5]); iter([1]); map(str, [1]); zip([1]); enumerate('a'); reversed([1]); itertools.count()
        b'bytes'; bytearray(b'ab'); memoryview(b'ab'); slice(1); Ellipsis; NotImplemented
        1j; complex(1, 0); decimal.Decimal('1.5'); decimal.Decimal('NaN'); decimal.Decimal('sNaN'); fractions.Fraction(1, 4)
        fractions.Fraction(10**400, 3); datetime.datetime(2020, 1, 2, 3, 4); datetime.date(2020, 1, 2); datetime.time(1, 2)
        datetime.timedelta(1); datetime.timezone.utc; pathlib.PurePosixPath('/a/b'); pathlib.Path('/a'); uuid.UUID(int=1)
        ipaddress.ip_address('10.0.0.1'); re.compile('a'); types.SimpleNamespace(a=1); ValueError('bad'); Plain; int
        print; function; lambda: 1; functools.partial(int, '1'); re; object(); Plain(); Spoken(); Shown(); Unspeakable()
        Unshowable(); Unequal(); Greedy(); Tensor(0.5, shape=()); Tensor(0.5); Tensor(1, 2); 'a'.upper; type(None)
        np.bool_(True); np.int8(1); np.int16(1); np.int32(1); np.int64(5); np.uint8(1); np.uint16(1); np.uint32(1)
        np.uint64(5); np.longlong(5); np.float16(0.5); np.float32(0.5); np.float64(0.5); np.longdouble(0.5)
        np.float32('nan'); np.complex64(1j); np.complex128(1j); np.clongdouble(1j); np.str_('s'); np.bytes_(b's')
        np.datetime64('2020-01-01'); np.datetime64('2020-01-01', 'ns'); np.timedelta64(1, 'D'); np.void(b'ab')
        np.array(5); np.array(0.5); np.array('s'); np.array(None); np.array(1j); np.array([1, 2]); np.array([0.5])
        np.array([]); np.zeros((2, 2)); np.arange(3).reshape(1, 3); np.ma.masked; np.float64; np.nan; np
        pd.DataFrame({'a': [1]}); pd.DataFrame(); pd.Series([1, 2]); pd.Series([1]); pd.Index([1]); pd.NA; pd.NaT
        pd.Timestamp('2020-01-01'); pd.Timedelta(1, 'D'); pd.Interval(0, 1); pd.Categorical(['a'])
    """,
    "log_list": """
        [1, 2]; []; (1, 2); [0.5]; ['a', 'b']; [True, None]; [1, 'a']; [1, 0.5]; [float('nan')]; range(3); (n for n in 'ab')
        iter([1]); map(int, '12'); {1}; frozenset([1]); {'a': 1}; {'a': 1}.keys(); 'abc'; b'ab'; array.array('d', [1.5])
        collections.deque([1]); [n for n in range(300)]; Items([1]); [Text('s')]; [Level.HIGH]
        5; 0.5; None; True; print; Plain(); generator; [[1]]; [{'a': 1}]; [(1,)]; [b'a']; [1j]; [Plain()]; [Colour.RED]
        [datetime.date(2020, 1, 1)]; [decimal.Decimal('1.5')]; Colour; Tensor(1, 2); Tensor(1, shape=())
        np.array([1, 2]); np.array([0.5]); np.array([True]); np.array(5); np.zeros((2, 2)); [np.int64(1)]; [np.float32(0.5)]
        np.array(['2020-01-01'], 'M8[ns]'); np.array(['a']); [np.array([1])]
        pd.Series([1, 2]); pd.Series([0.5]); pd.Index([1]); pd.DataFrame({'a': [1]}); pd.Series([pd.Timestamp('2020')])
    """,
    "log_row": """
        {'x': 1}; {'x': 1, 'y': 'a'}; {'x': None}; {'x': True}; {'x': 0.5}; {'x': Text('s')}; {'x': Level.HIGH}
        {}; {'x': [1]}; {'x': (1,)}; {'x': {'a': 1}}; {'x': {1}}; {'x': range(2)}; {'x': (n for n in 'a')}; {'x': b'a'}
        {'x': datetime.date(2020, 1, 1)}; {'x': Colour.RED}; {'x': 1j}; {'x': Plain()}; {'x': print}
        {'x': decimal.Decimal('1.5')}; {'x': Tensor(0.5, shape=())}
        {'x': np.int64(1)}; {'x': np.float64(0.5)}; {'x': np.float32(0.5)}; {'x': np.array([1, 2])}; {'x': np.array(1)}
        {'x': pd.Timestamp('2020-01-01')}; {'x': pd.Series([1])}
    """,
    "log_table": """
        {'x': [1, 2], 'y': [3, 4]}; {'x': [1], 'y': ['a']}; {'x': [None, True]}; {'x': 1, 'y': 2}; {'x': [1], 'y': 2}
        {1: [2, 3]}; {'x': 'abc'}; {'x': None}; {'x': [n for n in range(300)]}; {'x': [0.5, float('nan')]}
        {}; {'x': [], 'y': []}; {'x': [1, 2], 'y': [3]}; {'x': [1, 2], 'y': 3}; {'x': [1, 2], 'y': []}; {'x': 1, 'y': [1, 2]}
        {'x': (1, 2)}; {'x': range(2)}; {'x': {1}}; {'x': (n for n in 'ab')}; {'x': [[1], [2]]}; {'x': {'a': 1}}
        {'x': b'ab'}; {'x': [b'a', b'b']}; {'x': [datetime.date(2020, 1, 1)]}; {'x': [Plain()]}; {'x': Plain()}; {'x': 1j}
        [1]; [{'x': 1}]; 'text'; 5; None; Plain()
        {'x': np.array([1, 2])}; {'x': [np.int64(1), np.int64(2)]}; {'x': [np.float64(0.5), 1.5]}; {'x': np.zeros((2, 2))}
        pd.DataFrame({'a': [1, 2], 'b': [3, 4]}); pd.DataFrame({'a': [1, 2]}).to_dict('list'); {'x': pd.Series([1, 2])}
    """,
    "log_confusion_matrix": """
        {'schema_type': 'confusion_matrix', 'schema_version': 'v1', 'data': {'class_labels': ['a'], 'matrix': [[1]]}}
        '{"schema_type": "confusion_matrix", "data": {}}'; {'a': 1}; {}; {'schema_type': 'residuals'}; [1]; 5; None; '[1]'
        {1: 2}; {'data': float('nan')}; '{'; 'no.json'; b'{}'; {'a': {1}}; {'a': Plain()}; {'a': datetime.date(2020, 1, 1)}
        pathlib.PurePosixPath('no.json'); {'a': np.array([1])}; {'a': np.int64(1)}
    """,
}

OTHERS = ("log_accuracy_table", "log_predictions", "log_residuals")
"""Called with what `log_confusion_matrix` is."""

OURS = {
    "log": {
        # Numbers and texts stay what they are, of which azureml-core keeps the text that repr gives.
        "Text('sub')": "sub",
        "Whole(7)": 7,
        "Real(1.5)": 1.5,
        "Level.HIGH": 3,
        "Word.YES": "yes",
        "decimal.Decimal('1.5')": 1.5,
        "decimal.Decimal('NaN')": float("nan"),
        "fractions.Fraction(1, 4)": 0.25,
        "Tensor(0.5, shape=())": 0.5,
        "np.int64(5)": 5,
        "np.uint64(5)": 5,
        "np.longlong(5)": 5,
        "np.longdouble(0.5)": 0.5,
        "np.array(5)": 5,
        "np.array(0.5)": 0.5,
        "np.array('s')": "s",
        # What no database takes.
        "'\\ud800'": "\\ud800",
        "1 << 20000": hex(1 << 20000),
    },
    "log_list": {
        "[Text('s')]": ["s"],
        "[Level.HIGH]": [3],
        "[decimal.Decimal('1.5')]": [1.5],
        "np.array([1, 2])": [1, 2],
        "[np.int64(1)]": [1],
        "Tensor(1, 2)": [1, 2],
    },
    "log_row": {
        "{'x': Text('s')}": {"x": "s"},
        "{'x': Level.HIGH}": {"x": 3},
        "{'x': decimal.Decimal('1.5')}": {"x": 1.5},
        "{'x': Tensor(0.5, shape=())}": {"x": 0.5},
        "{'x': np.int64(1)}": {"x": 1},
        "{'x': np.array(1)}": {"x": 1},
    },
    "log_table": {
        "{'x': [], 'y': []}": {"x": [], "y": []},
        "{'x': (1, 2)}": {"x": [1, 2]},
        "{'x': range(2)}": {"x": [0, 1]},
        "{'x': {1}}": {"x": [1]},
        "{'x': (n for n in 'ab')}": {"x": ["a", "b"]},
        "{'x': np.array([1, 2])}": {"x": [1, 2]},
        "{'x': [np.int64(1), np.int64(2)]}": {"x": [1, 2]},
        "pd.DataFrame({'a': [1, 2], 'b': [3, 4]})": {"a": [1, 2], "b": [3, 4]},
        "{'x': pd.Series([1, 2])}": {"x": [1, 2]},
    },
    "log_confusion_matrix": {"{'a': np.array([1])}": {"a": [1]}, "{'a': np.int64(1)}": {"a": 1}},
}
"""Where we keep more than azureml-core does, which keeps a number as text or refuses it, and what we keep."""


def expressions(call: str) -> "list[str]":
    """The expressions that a function is called with."""
    return [each.strip() for line in VALUES[call].splitlines() for each in line.split("; ") if each.strip()]


def value_of(expression: str) -> object:
    """What an expression gives; ImportError where it needs a package that is not here."""
    names = dict(globals())
    for short, package in (("np", "numpy"), ("pd", "pandas")):
        if re.search(r"\b" + short + r"\b", expression):
            names[short] = importlib.import_module(package)
    return eval(expression, names)
