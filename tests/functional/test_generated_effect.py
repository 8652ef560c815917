"""Generated EFFECTs do real work: on files, and against a real HTTP server on loopback."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.enums.enum_effect_types import EnumEffectType
from omnibase_core.errors.model_onex_error import ModelOnexError
from omnibase_core.models.container.model_onex_container import ModelONEXContainer
from omnibase_core.models.effect.model_effect_input import ModelEffectInput

from tests.support.generated_nodes import ImportedNode, blueprint_for, imported_node

HTTP = "EFFECT node called OrderApi that fetches and posts orders over an HTTP API"
FILES = "EFFECT node called ReportFiles that writes, reads, lists and deletes report files on disk"


def perform(imported: ImportedNode, values: dict[str, Any], **config: Any) -> dict[str, Any]:
    async def scenario() -> Any:
        node = imported.node_class(ModelONEXContainer(), imported.model("Config")(**config))
        await node.initialize()
        request = ModelEffectInput(effect_type=EnumEffectType.API_CALL, operation_data=values)
        return (await node.process(request)).result

    result = asyncio.run(scenario())
    assert isinstance(result, dict)
    return result


class Api(BaseHTTPRequestHandler):
    """Answers /items; /busy is busy twice; /denied refuses; /slow never answers in time."""

    requests: ClassVar[list[tuple[str, str, str | None, bytes]]] = []

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.requests.append((self.command, self.path, self.headers.get("Authorization"), body))
        status = {"/denied": 401, "/missing": 404}.get(self.path, 200)
        if self.path == "/busy" and sum(r[1] == "/busy" for r in self.requests) < 3:
            status = 503
        if self.path == "/slow":
            threading.Event().wait(1.5)
        answer = json.dumps({"method": self.command, "got": body.decode()}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the test output clean."""


@pytest.fixture
def api() -> Iterator[str]:
    Api.requests = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_http_node_calls_a_real_server_with_its_token(api: str, tmp_path: Path) -> None:
    with imported_node(tmp_path, HTTP) as imported:
        result = perform(imported, {"path": "/items", "operation": "GET"}, base_url=api, token="t0ken")
    assert result["status_code"] == 200
    assert Api.requests == [("GET", "/items", "Bearer t0ken", b"")]


def test_an_http_node_sends_a_json_body(api: str, tmp_path: Path) -> None:
    values = {"path": "/items", "operation": "POST", "body": {"id": 1}}
    with imported_node(tmp_path, HTTP) as imported:
        result = perform(imported, values, base_url=api)
    assert json.loads(result["body"]["got"]) == {"id": 1}


def test_a_busy_server_is_asked_again_for_a_get(api: str, tmp_path: Path) -> None:
    with imported_node(tmp_path, HTTP) as imported:
        result = perform(imported, {"path": "/busy", "operation": "GET"}, base_url=api, retry_pause_s=0)
    assert result["attempts"] == 3


def test_a_post_is_never_sent_twice(api: str, tmp_path: Path) -> None:
    with imported_node(tmp_path, HTTP) as imported, pytest.raises(ModelOnexError, match="HTTP 503 after 1"):
        perform(imported, {"path": "/busy", "operation": "POST"}, base_url=api, retry_pause_s=0)
    assert len(Api.requests) == 1


@pytest.mark.parametrize(
    ("path", "code"),
    [("/denied", EnumCoreErrorCode.AUTHENTICATION_ERROR), ("/missing", EnumCoreErrorCode.NOT_FOUND)],
)
def test_a_refusal_has_a_code_of_its_own(path: str, code: EnumCoreErrorCode, api: str, tmp_path: Path) -> None:
    with imported_node(tmp_path, HTTP) as imported, pytest.raises(ModelOnexError) as failure:
        perform(imported, {"path": path, "operation": "GET"}, base_url=api, token="s3cret")
    assert failure.value.error_code == code
    assert "s3cret" not in str(failure.value)


def test_a_server_that_is_away_is_a_network_error(tmp_path: Path) -> None:
    with imported_node(tmp_path, HTTP) as imported, pytest.raises(ModelOnexError) as failure:
        perform(imported, {"path": "/x", "operation": "GET"}, base_url="http://127.0.0.1:9", retry_pause_s=0)
    assert failure.value.error_code == EnumCoreErrorCode.NETWORK_ERROR


def test_a_server_that_does_not_answer_is_a_timeout(api: str, tmp_path: Path) -> None:
    with imported_node(tmp_path, HTTP) as imported, pytest.raises(ModelOnexError) as failure:
        perform(imported, {"path": "/slow", "operation": "POST"}, base_url=api, timeout_s=0.2)
    assert failure.value.error_code == EnumCoreErrorCode.TIMEOUT_ERROR


def test_a_missing_setting_names_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HTTP_API_BASE_URL", raising=False)
    with imported_node(tmp_path, HTTP) as imported, pytest.raises(ModelOnexError, match="HTTP_API_BASE_URL is not set"):
        imported.model("Config").from_environment()


def test_a_file_node_writes_reads_lists_and_deletes(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    with imported_node(tmp_path, FILES) as imported:
        perform(imported, {"path": "a/b.txt", "operation": "write", "content": "héllo"}, root=root)
        read = perform(imported, {"path": "a/b.txt", "operation": "read"}, root=root)
        listed = perform(imported, {"path": "a", "operation": "list"}, root=root)
        perform(imported, {"path": "a/b.txt", "operation": "delete"}, root=root)
    assert (read["content"], read["size_bytes"], listed["entries"]) == ("héllo", 6, ["b.txt"])
    assert list((root / "a").iterdir()) == []


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "link/x"])
def test_a_file_node_stays_below_its_root(path: str, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    with imported_node(tmp_path, FILES) as imported, pytest.raises(ModelOnexError, match="outside the root"):
        perform(imported, {"path": path, "operation": "write", "content": "x"}, root=root)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("prompt", "operations"),
    [
        ("Create EFFECT node for PostgreSQL writes", ("insert",)),
        ("EFFECT node that reads from PostgreSQL", ("select",)),
        ("EFFECT node called Users that upserts into PostgreSQL", ("upsert",)),
        ("Generate a new PostgreSQL CRUD Effect node", ("insert", "upsert", "update", "delete", "select")),
        ("EFFECT node that deletes old files", ("delete",)),
    ],
)
def test_a_node_gets_the_operations_that_were_asked_for(prompt: str, operations: tuple[str, ...]) -> None:
    assert blueprint_for(prompt).operation_values == operations


def test_a_system_without_a_template_is_left_open_and_named() -> None:
    blueprint = blueprint_for("Create EFFECT node for RabbitMQ message publishing")
    assert blueprint.is_scaffold
    assert "RabbitMQ" in blueprint.logic.detail


def test_columns_and_counts_are_named_as_the_examples_name_them() -> None:
    row = {"user_id": "11111111-2222-4333-8444-555555555555", "name": "Ada"}
    blueprint = blueprint_for(
        "EFFECT node called UserWriter that upserts users into PostgreSQL",
        examples=[{"input": row, "output": {"rows_written": 1}}],
    )
    fields = {f.name: f for f in blueprint.input_model.fields}
    assert (fields["table"].default, fields["user_id"].type, fields["name"].type) == ('"users"', "UUID", "str")
    assert "rows_written" in {f.name for f in blueprint.output_model.fields}


def test_a_node_that_only_reads_demands_no_column_values() -> None:
    blueprint = blueprint_for("EFFECT node called UserReader that reads users with user_id: UUID from PostgreSQL")
    assert "user_id" not in {f.name for f in blueprint.input_model.fields}
