"""Python values as JSON that keeps their types, so that a verdict can be formed outside the candidate's process.

Plain in JSON: None, bool, int, finite float, str, list. Everything else is an object with one key that names the
type: {"tuple": [...]}, {"set": [...]}, {"frozenset": [...]}, {"dict": [[key, value], ...]}, {"float": "nan"},
{"int": "0x..."} (beyond 64 bits), {"complex": [re, im]}, {"bytes": hex}, {"str": hex of UTF-16} (with lone
surrogates), {"opaque": "type"}; a whole answer may be {"packed": zlib in base64}. The other side of this lives in
benchmark/typed_values.py.

A value is read with the methods of the built-in type it is, never with its own: what a subclass overrides (`__eq__`,
`__iter__`, `__len__`) has no say.
"""

import math

MAX_DEPTH = 60
_PLAIN_INT = 2**63


def encode(value, depth=0):
    """A value as JSON data. Never calls code of the value's own class."""
    kind = type(value)
    if value is None or kind is bool:
        return value
    if depth > MAX_DEPTH:
        return {"opaque": "too deeply nested"}
    for base, encoder in _ENCODERS:
        if issubclass(kind, base):
            return encoder(value, depth)
    return {"opaque": type.__getattribute__(kind, "__name__")[:80]}


def _int(value, _):
    plain = int.__pos__(value)
    return plain if -_PLAIN_INT <= plain < _PLAIN_INT else {"int": hex(plain)}


def _float(value, _):
    plain = float.__pos__(value)
    return plain if math.isfinite(plain) else {"float": repr(plain)}


def _str(value, _):
    plain = str.__str__(value)
    try:
        plain.encode("utf-8")
    except UnicodeEncodeError:
        return {"str": plain.encode("utf-16-le", "surrogatepass").hex()}
    return plain


def _complex(value, _):
    return {"complex": [_float(complex.__getattribute__(value, part), 0) for part in ("real", "imag")]}


_ENCODERS = (
    (int, _int),
    (float, _float),
    (str, _str),
    (list, lambda value, depth: [encode(item, depth + 1) for item in list.__iter__(value)]),
    (tuple, lambda value, depth: {"tuple": [encode(item, depth + 1) for item in tuple.__iter__(value)]}),
    (
        dict,
        lambda value, depth: {
            "dict": [[encode(key, depth + 1), encode(item, depth + 1)] for key, item in dict.items(value)]
        },
    ),
    (set, lambda value, depth: {"set": [encode(item, depth + 1) for item in set.__iter__(value)]}),
    (frozenset, lambda value, depth: {"frozenset": [encode(item, depth + 1) for item in frozenset.__iter__(value)]}),
    (complex, _complex),
    (bytes, lambda value, _: {"bytes": bytes.hex(value)}),
)


def decode(data):
    """A value from JSON data that came from our side; raises KeyError or ValueError for anything else."""
    if isinstance(data, list):
        return [decode(item) for item in data]
    if not isinstance(data, dict):
        return data
    ((name, content),) = data.items()
    return _DECODERS[name](content)


_DECODERS = {
    "tuple": lambda content: tuple(decode(item) for item in content),
    "set": lambda content: {decode(item) for item in content},
    "frozenset": lambda content: frozenset(decode(item) for item in content),
    "dict": lambda content: {decode(key): decode(item) for key, item in content},
    "int": lambda content: int(content, 16),
    "float": float,
    "str": lambda content: bytes.fromhex(content).decode("utf-16-le", "surrogatepass"),
    "complex": lambda content: complex(*(decode(part) for part in content)),
    "bytes": bytes.fromhex,
}
