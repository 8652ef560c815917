"""Test doubles of NodeCreatePetEffect: what stands in for the outside while it is tested."""

from __future__ import annotations

import httpx

from ..models import ModelCreatePetConfig
from ..node import NodeCreatePetEffect


class ScriptedApi:
    """Answers with the given statuses in turn, the last one for ever, and keeps every request."""

    def __init__(self, statuses: list[int]) -> None:
        self.statuses = statuses
        self.requests: list[httpx.Request] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        """One scripted answer."""
        self.requests.append(request)
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return httpx.Response(status, json={"path": request.url.path})


def prepare(node: NodeCreatePetEffect, statuses: tuple[int, ...] = (200,)) -> ScriptedApi:
    """Put a scripted API in the place of the network; the client is the real one."""
    api = ScriptedApi(list(statuses))

    def open_scripted(config: ModelCreatePetConfig) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=config.base_url, transport=httpx.MockTransport(api.answer))

    node.config = ModelCreatePetConfig(base_url="http://api.invalid", retry_pause_s=0)
    node.open_client = open_scripted
    return api
