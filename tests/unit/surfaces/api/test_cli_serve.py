"""`omniclaude serve` and its tokens on the command line."""

import json
import stat
from pathlib import Path

import pytest

from omniclaude_dagster.surfaces.api import server
from omniclaude_dagster.surfaces.api.config import ServiceConfig
from omniclaude_dagster.surfaces.api.tokens import TOKEN_PATTERN, TokenFile
from tests.unit.surfaces.conftest import Cli


def test_a_token_is_printed_alone_and_once(cli: Cli, home: Path) -> None:
    made = cli("serve", "token", "add", "ci", "--scope", "read", "--scope", "write")
    assert made.exit_code == 0
    assert TOKEN_PATTERN.match(made.stdout.strip())
    assert "not shown again" in made.stderr
    assert TokenFile(home).find(made.stdout.strip()) is not None
    listed = cli("serve", "token", "list")
    assert made.stdout.strip() not in listed.stdout
    assert all(word in listed.stdout for word in ("ci", "read, write", made.stdout.strip()[-4:]))


def test_tokens_in_json_hold_no_hash(cli: Cli) -> None:
    made = json.loads(cli("serve", "token", "add", "ci", "--scope", "read", "--json").stdout)
    assert set(made) == {"name", "scopes", "created_at", "last4", "token"}
    (listed,) = cli("serve", "token", "list", "--json").stdout.splitlines()
    assert json.loads(listed) == {name: value for name, value in made.items() if name != "token"}


def test_a_token_is_revoked_by_its_name(cli: Cli, home: Path) -> None:
    token = cli("serve", "token", "add", "ci", "--scope", "read").stdout.strip()
    assert cli("serve", "token", "revoke", "ci").exit_code == 0
    assert TokenFile(home).find(token) is None
    again = cli("serve", "token", "revoke", "ci")
    assert again.exit_code == 2
    assert "there is no token 'ci'" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "ci"), "Missing option '--scope'"),
        (("add", "ci", "--scope", "admin"), "'admin' is not one of"),
        (("add", "a b", "--scope", "read"), "cannot be a token's name"),
        (("add",), "Missing argument"),
        (("revoke",), "Missing argument"),
    ],
)
def test_wrong_usage_says_what_is_wrong(cli: Cli, arguments: tuple[str, ...], said: str) -> None:
    done = cli("serve", "token", *arguments)
    assert done.exit_code == 2
    assert said in done.stderr


def test_without_tokens_the_list_says_how_to_make_one(cli: Cli) -> None:
    assert "omniclaude serve token add" in cli("serve", "token", "list").stderr


def test_the_service_is_not_started_for_nobody(cli: Cli) -> None:
    done = cli("serve")
    assert done.exit_code == 2
    assert "cure:  omniclaude serve token add NAME --scope read --scope write" in done.stderr


def test_the_service_is_not_started_with_tokens_that_others_can_read(cli: Cli, home: Path) -> None:
    cli("serve", "token", "add", "ci", "--scope", "read")
    path = TokenFile(home).path
    path.chmod(path.stat().st_mode | stat.S_IROTH)
    done = cli("serve")
    assert done.exit_code == 2
    assert f"chmod 600 {path}" in done.stderr


def test_the_options_become_the_limits_of_the_service(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[ServiceConfig, int, str]] = []

    def serve(address: server.Address, config: ServiceConfig, *, workers: int) -> None:
        started.append((config, workers, address.url))
        address.listener.close()

    monkeypatch.setattr(server, "serve", serve)
    cli("serve", "token", "add", "ci", "--scope", "read")
    options = "--rate 5 --burst 6 --failed-rate 0.5 --failed-burst 2 --max-body-kib 64 --body-deadline 3 "
    options += "--head-deadline 4 --max-connections 9 --threads 2 --workers 3 --no-access-log --search-in-threads"
    done = cli("serve", "--port", "0", *options.split())
    assert done.exit_code == 0
    config, workers, url = started[0]
    assert (workers, url.startswith("http://127.0.0.1:")) == (3, True)
    assert f"listening on {url}" in done.stderr
    assert config == ServiceConfig(
        max_body_bytes=64 * 1024, body_deadline_s=3, head_deadline_s=4, max_connections=9, threads=2,
        token_rate_per_s=5, token_burst=6, failed_auth_per_s=0.5, failed_auth_burst=2, is_access_logged=False,
        is_search_threaded=True,
    )  # fmt: skip


def test_without_options_the_limits_are_those_of_the_configuration(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[ServiceConfig] = []

    def serve(address: server.Address, config: ServiceConfig, *, workers: int) -> None:
        started.append(config)
        address.listener.close()

    monkeypatch.setattr(server, "serve", serve)
    cli("serve", "token", "add", "ci", "--scope", "read")
    assert cli("serve", "--port", "0").exit_code == 0
    assert started == [ServiceConfig()]


def test_an_address_that_is_none_is_said_to_be_none(cli: Cli) -> None:
    cli("serve", "token", "add", "ci", "--scope", "read")
    done = cli("serve", "--host", "no-such-host.invalid", "--port", "0")
    assert done.exit_code == 2
    assert "there is no address 'no-such-host.invalid'" in done.stderr
