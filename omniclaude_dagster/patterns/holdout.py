"""Which requests get no patterns, so that what patterns are worth can be measured against them (`uplift.py`).

The choice follows from the request's id alone: the same request always lands on the same side, in every process, and
no dice are thrown that a retry could throw again.
"""

import hashlib

# Of this comparison alone: another split of the same requests uses another salt, so that the two are independent.
_SALT = b"omniclaude pattern hold-out 1\0"
_PLACES = 2**64


def is_held_out(request_id: str, *, share: float) -> bool:
    """Whether the request belongs to the comparison group of this size (a share of all requests, 0 to 1).

    Sticky, and nested: a request held out at a smaller share is held out at every larger one.
    """
    digest = hashlib.sha256(_SALT + request_id.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8]) < share * _PLACES
