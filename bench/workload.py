"""The requests that the speed figures are about: all four kinds, none needs a model, no two alike.

Measures nothing. Every request ends as `published`; the programs that use them say so when one does not.
"""

import itertools
import json
from pathlib import Path

from omniclaude_dagster.benchmark.node_mutants.wishes import WISHES, Wish
from omniclaude_dagster.request.model import AcceptedRequest, GenerationRequest


def mixed_requests(count: int, *, first: int = 1) -> list[tuple[Wish, GenerationRequest]]:
    """`count` requests in mode fast that go through the wishes in turn; names are numbered from `first` on."""
    wishes = itertools.islice(itertools.cycle(WISHES), count)
    return [(wish, _request(wish, number)) for number, wish in enumerate(wishes, start=first)]


def accepted(requests: list[tuple[Wish, GenerationRequest]], *, prefix: str) -> list[AcceptedRequest]:
    """The requests with an identity each, as the library takes them."""
    return [AcceptedRequest(f"{prefix}-{n}", request) for n, (_, request) in enumerate(requests, start=1)]


def write_jsonl(requests: list[tuple[Wish, GenerationRequest]], path: Path) -> None:
    """The file that `omniclaude generate --requests` takes."""
    lines = [json.dumps({"prompt": r.prompt, "mode": r.mode.value, "examples": list(w.examples)}) for w, r in requests]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _request(wish: Wish, number: int) -> GenerationRequest:
    return GenerationRequest.model_validate(
        {"prompt": wish.prompt.format(n=number), "mode": "fast", "examples": wish.examples}
    )
