"""Syntax trees back to text as a person would write it: `ast.unparse` doubles the parentheses of `sum(x for x in y)`.

Pure. How the text is laid out is the formatter's matter (`formatting.py`).
"""

import ast
from collections.abc import Iterable


def unparsed(statements: Iterable[ast.stmt]) -> str:
    """The statements as source, two blank lines between them."""
    text = "\n\n\n".join(ast.unparse(ast.fix_missing_locations(node)) for node in statements)
    content = bytearray(text.encode("utf-8", "surrogatepass"))
    starts = [0, *(position + 1 for position, byte in enumerate(content) if byte == ord("\n"))]
    # From the end, so that what comes before keeps its place.
    for line, column in sorted(_doubled_parentheses(ast.parse(text)), reverse=True):
        del content[starts[line - 1] + column]
    return content.decode("utf-8", "surrogatepass")


def _doubled_parentheses(module: ast.Module) -> Iterable[tuple[int, int]]:
    """Line and column (in bytes) of both inner parentheses of calls whose one argument is a generator."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
            argument = node.args[0]
            # Where the generator shares the call's own parentheses both end at the same place.
            if isinstance(argument, ast.GeneratorExp) and argument.end_col_offset != node.end_col_offset:
                yield argument.lineno, argument.col_offset
                yield argument.end_lineno or argument.lineno, (argument.end_col_offset or 1) - 1
