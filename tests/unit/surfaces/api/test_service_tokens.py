"""The token file: what is kept, who may read it, and what happens when it is damaged or changed."""

import json
import os
import stat
import threading
from pathlib import Path

import pytest

from omniclaude_dagster.errors import ConfigurationError, ConflictError, RequestError, StorageError
from omniclaude_dagster.surfaces.api.tokens import TOKEN_PATTERN, TokenFile, require_tokens


@pytest.fixture
def tokens(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "home")


def test_a_token_is_found_by_its_text_and_by_nothing_else(tokens: TokenFile) -> None:
    made = tokens.add("ci", scopes=["read"])
    other = tokens.add("robot", scopes=["read", "write"])
    assert TOKEN_PATTERN.match(made.token)
    assert tokens.find(made.token) == made.entry
    assert tokens.find(other.token) == other.entry
    for wrong in ("", made.token[:-1], f"{made.token}x", made.entry.sha256, "omc_" + "A" * 43, "\udc80"):
        assert tokens.find(wrong) is None


def test_the_file_holds_no_token_and_only_its_owner_may_read_it(tokens: TokenFile) -> None:
    made = tokens.add("ci", scopes=["write"])
    text = tokens.path.read_text()
    assert made.token not in text
    assert stat.S_IMODE(tokens.path.stat().st_mode) == 0o600
    (entry,) = json.loads(text)["tokens"]
    assert set(entry) == {"name", "sha256", "scopes", "created_at", "last4"}
    assert entry["last4"] == made.token[-4:]


def test_the_file_is_closed_to_others_even_under_an_open_umask(tokens: TokenFile) -> None:
    earlier = os.umask(0)
    try:
        tokens.add("ci", scopes=["read"])
    finally:
        os.umask(earlier)
    assert stat.S_IMODE(tokens.path.stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644, 0o610])
def test_a_file_that_others_could_read_or_change_is_refused_with_the_cure(tokens: TokenFile, mode: int) -> None:
    tokens.add("ci", scopes=["read"])
    tokens.path.chmod(mode)
    with pytest.raises(ConfigurationError, match="by others") as caught:
        tokens.entries()
    assert "chmod 600" in caught.value.cure


def test_a_file_of_another_user_is_refused(tokens: TokenFile) -> None:
    tokens.add("ci", scopes=["read"])
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(tokens.path, 12345, 12345)
    with pytest.raises(ConfigurationError, match="another user"):
        tokens.entries()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"tokens": [{}]}',
        b'{"tokens": [], "more": 1}',
        b'{"tokens": [{"name": "a b", "sha256": "x", "scopes": [], "created_at": "now", "last4": ""}]}',
        b'{"tokens": ' + b"[" * 100_000,
    ],
    ids=len,
)
def test_a_damaged_file_is_refused_without_its_content_in_the_message(tokens: TokenFile, content: bytes) -> None:
    tokens.add("ci", scopes=["read"])
    tokens.path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="damaged") as caught:
        tokens.entries()
    assert "sha256" not in str(caught.value)


def test_a_link_in_the_place_of_the_file_is_not_followed(tokens: TokenFile, tmp_path: Path) -> None:
    tokens.add("ci", scopes=["read"])
    elsewhere = tmp_path / "elsewhere.json"
    tokens.path.rename(elsewhere)
    tokens.path.symlink_to(elsewhere)
    with pytest.raises(StorageError, match="cannot be read"):
        tokens.entries()


def test_a_folder_in_the_place_of_the_file_is_refused(tokens: TokenFile) -> None:
    tokens.path.mkdir(parents=True)
    with pytest.raises(ConfigurationError, match="not a file"):
        tokens.entries()


def test_a_pipe_in_the_place_of_the_file_holds_nobody_up(tokens: TokenFile) -> None:
    tokens.path.parent.mkdir(parents=True)
    os.mkfifo(tokens.path, 0o600)
    with pytest.raises(ConfigurationError, match="not a file"):
        tokens.entries()


def test_changes_of_another_process_are_seen_at_once(tokens: TokenFile) -> None:
    made = tokens.add("ci", scopes=["read"])
    assert tokens.find(made.token) is not None
    TokenFile(tokens.path.parent).revoke("ci")
    assert tokens.find(made.token) is None
    again = TokenFile(tokens.path.parent).add("ci", scopes=["read"])
    assert tokens.find(again.token) == again.entry


def test_a_file_that_is_removed_takes_every_token_with_it(tokens: TokenFile) -> None:
    made = tokens.add("ci", scopes=["read"])
    assert tokens.find(made.token) is not None
    tokens.path.unlink()
    assert tokens.find(made.token) is None


@pytest.mark.parametrize("name", ["", " ", "a b", "-x", "x\n", "a/b", "é", "x" * 64])
def test_a_name_that_could_confuse_a_log_is_refused(tokens: TokenFile, name: str) -> None:
    with pytest.raises(RequestError, match="cannot be a token's name"):
        tokens.add(name, scopes=["read"])
    assert not tokens.path.exists()


def test_a_token_that_opens_nothing_is_refused(tokens: TokenFile) -> None:
    with pytest.raises(RequestError, match="without a scope"):
        tokens.add("ci", scopes=[])


def test_a_name_is_taken_once(tokens: TokenFile) -> None:
    first = tokens.add("ci", scopes=["read"])
    with pytest.raises(ConflictError, match="already"):
        tokens.add("ci", scopes=["write"])
    assert tokens.entries() == (first.entry,)


def test_an_unknown_name_cannot_be_revoked_and_the_known_ones_are_named(tokens: TokenFile) -> None:
    tokens.add("ci", scopes=["read"])
    with pytest.raises(RequestError, match="no token 'cy'") as caught:
        tokens.revoke("cy")
    assert "ci" in caught.value.cure


def test_the_number_of_tokens_is_limited(tokens: TokenFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omniclaude_dagster.surfaces.api.tokens._MAX_TOKENS", 2)
    for name in ("a", "b"):
        tokens.add(name, scopes=["read"])
    with pytest.raises(RequestError, match="2 tokens already"):
        tokens.add("c", scopes=["read"])


def test_tokens_made_at_the_same_time_are_all_kept(tokens: TokenFile) -> None:
    def add(number: int) -> None:
        TokenFile(tokens.path.parent).add(f"t{number}", scopes=["read"])

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {entry.name for entry in tokens.entries()} == {f"t{number}" for number in range(8)}


def test_without_a_token_the_service_is_not_started_and_the_cure_is_the_command(tokens: TokenFile) -> None:
    with pytest.raises(ConfigurationError, match="no token") as caught:
        require_tokens(tokens)
    assert caught.value.cure.startswith("omniclaude serve token add")
    tokens.add("ci", scopes=["read"])
    require_tokens(tokens)
