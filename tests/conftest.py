"""Fixtures that every room's tests may use: the real local model server.

Order of choice: the host that OMNICLAUDE_MODEL_BASE_URL names; else the local model, if `make model` has set it up;
else the test is skipped with that cure. A test that uses `vllm_base_url` gets the marker `vllm` by itself, and all
of them share one xdist group, hence one worker: the server has few cores, and one test's load is no other's noise.
Should two workers ask all the same (pytest-xdist 3.8 ignores groups under pytest 9.2: its issue 1386), the lock in
`local_model_server.start` gives both the same server.

The process that began the session (xdist's controller, or pytest itself) owns the server's state folder and stops
the server at the end, so that a crashed worker leaves nothing running.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

from omniclaude_dagster.settings import Settings
from tools.local_model_common import MODEL_NAME, Layout, cache_folder
from tools.local_model_server import start, stop
from tools.local_model_setup import ready_interpreter

_STATE_FOLDER = pytest.StashKey[Path]()
_WORKER_INPUT = "vllm_state_folder"


def _is_controller(config: pytest.Config) -> bool:
    return not hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    if _is_controller(config):
        folder = Path(tempfile.mkdtemp(prefix="omniclaude-test-model-"))
    else:
        folder = Path(config.workerinput[_WORKER_INPUT])  # type: ignore[attr-defined]
    config.stash[_STATE_FOLDER] = folder


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput[_WORKER_INPUT] = str(node.config.stash[_STATE_FOLDER])


def pytest_unconfigure(config: pytest.Config) -> None:
    if _is_controller(config) and _STATE_FOLDER in config.stash:
        folder = config.stash[_STATE_FOLDER]
        stop(folder)
        shutil.rmtree(folder, ignore_errors=True)


def pytest_itemcollected(item: pytest.Item) -> None:
    # Not in pytest_collection_modifyitems: xdist reads the groups there, maybe before this file is asked.
    if "vllm_base_url" in getattr(item, "fixturenames", ()):
        item.add_marker(pytest.mark.vllm)
        item.add_marker(pytest.mark.xdist_group("vllm"))


@pytest.fixture(scope="session")
def vllm_base_url(request: pytest.FixtureRequest) -> str:
    """Base address, with /v1, of a real OpenAI-compatible server: vLLM unless the environment names another."""
    given = Settings().model_base_url
    if given:
        return given
    layout = Layout(cache_folder(os.environ))
    if ready_interpreter(layout) is None:
        pytest.skip(
            "no model server: OMNICLAUDE_MODEL_BASE_URL is not set and the local model is not set up; cure: make model"
        )
    return start(layout, request.config.stash[_STATE_FOLDER]).base_url


@pytest.fixture(scope="session")
def vllm_model_name(vllm_base_url: str) -> str:
    """A model that the server of `vllm_base_url` serves."""
    settings = Settings()
    if not settings.model_base_url:
        return MODEL_NAME
    if not settings.model_name:
        pytest.skip("OMNICLAUDE_MODEL_BASE_URL is set without OMNICLAUDE_MODEL_NAME; cure: set both")
    return settings.model_name
