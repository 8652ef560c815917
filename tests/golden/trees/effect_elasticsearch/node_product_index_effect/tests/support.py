"""Test doubles of NodeProductIndexEffect: what stands in for the outside while it is tested."""

from __future__ import annotations

import httpx

from ..models import ModelProductIndexConfig
from ..node import NodeProductIndexEffect

# An answer that has what each operation looks for, in the documented shapes.
ANSWER = {
    "_id": "1",
    "result": "deleted",
    "_source": {"name": "example"},
    "hits": {"total": {"value": 1, "relation": "eq"}, "hits": [{"_id": "1", "_source": {"name": "example"}}]},
    "errors": False,
    "items": [{"index": {"_id": "1", "status": 201, "result": "created"}}],
}


class ScriptedServer:
    """Answers with the given (status, body) in turn, the last one for ever, and keeps every request."""

    def __init__(self, answers: list[tuple[int, object]]) -> None:
        self.answers = answers
        self.requests: list[httpx.Request] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        """One scripted answer."""
        self.requests.append(request)
        status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return httpx.Response(status, json=body)


def prepare(node: NodeProductIndexEffect, answers: tuple[tuple[int, object], ...] = ((200, ANSWER),)) -> ScriptedServer:
    """Put a scripted server in the place of the network; the client is the real one."""
    server = ScriptedServer(list(answers))

    def open_scripted(config: ModelProductIndexConfig) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=config.url, transport=httpx.MockTransport(server.answer))

    node.config = ModelProductIndexConfig(url="http://search.invalid", retry_pause_s=0)
    node.open_client = open_scripted
    return server
