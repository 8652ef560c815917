"""Text that must come back exactly as it was, in columns that take neither NUL nor half characters.

Such a character is written as DATA LINK ESCAPE (U+0010) and four hexadecimal digits, and so is that character itself.
Any other text, hence nearly every text, stands in the column as it is and can be read and searched there.
"""

import re

_ESCAPE = "\x10"
_ESCAPED = re.compile("[\x00\x10\ud800-\udfff]")
_SEQUENCE = re.compile(f"{_ESCAPE}([0-9a-f]{{4}})")


def escaped(text: str) -> str:
    """`text` as every database takes it."""
    return _ESCAPED.sub(lambda found: f"{_ESCAPE}{ord(found[0]):04x}", text)


def unescaped(text: str) -> str:
    """What was given to `escaped`. A text that never was is returned as it is."""
    return _SEQUENCE.sub(lambda found: chr(int(found[1], 16)), text)
