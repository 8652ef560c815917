"""Values that go into the sandbox and come out of it, as JSON that keeps their types.

The other side, with the table of forms, is sandbox/harness/typed_values.py. What comes out was written next to
untrusted code: anything without a known form becomes `Opaque`, which equals nothing.
"""

import base64
import json
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_PLAIN_INT = 2**63
_MAX_DEPTH = 80
_MAX_INT_DIGITS = 4_000_000
_MAX_UNPACKED_BYTES = 24 * 1024**2


@dataclass(frozen=True, eq=False)
class Opaque:
    """A returned value of a type that cannot be compared; `type_name` is for people."""

    type_name: str


def encode(value: Any) -> Any:
    """A value of a data set as JSON data. Raises TypeError for a type that no data set holds."""
    if value is None or isinstance(value, bool | str):
        return value
    match value:
        case int():
            return value if -_PLAIN_INT <= value < _PLAIN_INT else {"int": hex(value)}
        case float():
            return value if math.isfinite(value) else {"float": repr(value)}
        case complex():
            return {"complex": [encode(value.real), encode(value.imag)]}
        case list():
            return [encode(item) for item in value]
        case tuple():
            return {"tuple": [encode(item) for item in value]}
        case set():
            return {"set": [encode(item) for item in value]}
        case dict():
            return {"dict": [[encode(key), encode(item)] for key, item in value.items()]}
    raise TypeError(f"a {type(value).__name__} cannot be sent into the sandbox")


def is_packed(data: Any) -> bool:
    """Whether an answer came compressed because of its size."""
    return isinstance(data, dict) and data.keys() == {"packed"}


def decode(data: Any) -> Any:
    """The built-in value of an answer; a part that has no known form is Opaque. Never raises."""
    if is_packed(data):
        try:
            data = _unpacked(data["packed"])
        except (TypeError, ValueError, RecursionError, zlib.error):
            return Opaque("malformed packed value")
    return _decode(data, 0)


def _unpacked(packed: str) -> Any:
    unpacker = zlib.decompressobj()
    text = unpacker.decompress(base64.b64decode(packed, validate=True), _MAX_UNPACKED_BYTES)
    if not unpacker.eof:
        raise ValueError("larger than it may be")
    return json.loads(text)


def _decode(data: Any, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        return Opaque("too deeply nested")
    if isinstance(data, list):
        return [_decode(item, depth + 1) for item in data]
    if not isinstance(data, dict):
        return data
    name, content = next(iter(data.items())) if len(data) == 1 else ("", None)
    decoder = _DECODERS.get(name)
    if decoder is None:
        return Opaque(str(content)[:80] if name == "opaque" else "unknown form")
    try:
        return decoder(content, depth + 1)
    except (TypeError, ValueError, KeyError, OverflowError):
        # Also an unhashable member of a set: the form was not written by our encoder.
        return Opaque(f"malformed {name}")


def _items(content: Any, depth: int) -> list[Any]:
    if not isinstance(content, list):
        raise TypeError("not a list")
    return [_decode(item, depth) for item in content]


def _dict(content: Any, depth: int) -> dict[Any, Any]:
    if not isinstance(content, list):
        raise TypeError("not a list")
    return {_decode(key, depth): _decode(item, depth) for key, item in content}


def _int(content: Any, _: int) -> int:
    if not isinstance(content, str) or len(content) > _MAX_INT_DIGITS:
        raise ValueError("not a number")
    return int(content, 16)


def _complex(content: Any, depth: int) -> complex:
    real, imaginary = _items(content, depth)
    return complex(real, imaginary)


_DECODERS: dict[str, Callable[[Any, int], Any]] = {
    "tuple": lambda content, depth: tuple(_items(content, depth)),
    "set": lambda content, depth: set(_items(content, depth)),
    "frozenset": lambda content, depth: frozenset(_items(content, depth)),
    "dict": _dict,
    "int": _int,
    "float": lambda content, _: float(content),
    "str": lambda content, _: bytes.fromhex(content).decode("utf-16-le", "surrogatepass"),
    "complex": _complex,
    "bytes": lambda content, _: bytes.fromhex(content),
}
