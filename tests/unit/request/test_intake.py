"""Request files: what is accepted, and what each kind of bad file is told."""

import json
import os
import socket
import time

import pytest

from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.request.intake import (
    MAX_FILE_BYTES,
    jsonl_entries,
    read_request_file,
    request_from_mapping,
    request_id_for_file,
    request_id_for_prompt,
    requests_from_jsonl,
)
from omniclaude_dagster.request.model import REQUEST_ID_PATTERN, GenerationRequest, Mode, NodeKind
from omniclaude_dagster.request.text_rules import check_prompt

PROMPT = "Create EFFECT node for PostgreSQL writes"


def write(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    return path


def refusal(tmp_path, name, content):
    with pytest.raises(RequestError) as caught:
        read_request_file(write(tmp_path, name, content))
    assert caught.value.cure
    assert len(str(caught.value)) < 1500
    return caught.value.message


def nested(opening, closing, depth):
    return f'{{"prompt": "{PROMPT}", "examples": ' + opening * depth + closing * depth + "}"


@pytest.mark.parametrize("name", ["a.yaml", "a.yml", "a.json", "A.JSON"])
def test_every_field_is_read_from_yaml_and_json_alike(tmp_path, name):
    data = {
        "prompt": PROMPT,
        "mode": "strict",
        "node_kind": "EFFECT",
        "name": "UserWriter",
        "domain": "users",
        "examples": [{"input": {"a": 1, "b": [1.5, None]}, "output": {"ok": True}}, {"input": {}, "raises": "E1"}],
        "budget_usd": 0.5,
        "output_dir": "out",
        "project": {"path": "/p", "name": "n"},
        "session_id": "s",
    }
    request = read_request_file(write(tmp_path, name, json.dumps(data)))
    assert (request.mode, request.node_kind) == (Mode.STRICT, NodeKind.EFFECT)
    assert request.model_dump(mode="json", exclude_none=True)["examples"] == data["examples"]


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.prompt"])
def test_a_text_file_is_the_prompt(tmp_path, name):
    assert read_request_file(write(tmp_path, name, f"\n{PROMPT}\r\n\tsecond line\n")).prompt == (
        f"{PROMPT}\r\n\tsecond line"
    )


def test_yaml_as_people_write_it_is_read_and_a_date_stays_text(tmp_path):
    text = (
        f"# a comment\nprompt: >\n  {PROMPT}\n  from 2024-01-01\nexamples:\n- input: {{day: 2024-01-01}}\n  raises: X\n"
    )
    request = read_request_file(write(tmp_path, "a.yaml", text))
    assert request.examples[0].input == {"day": "2024-01-01"}


@pytest.mark.parametrize(
    "text",
    ["Erzeuge einen Knoten für Überweisungen", "创建一个写入数据库的节点服务程序", "צור צומת לכתיבה למסד נתונים"],
)
def test_other_languages_and_emoji_are_welcome(tmp_path, text):
    prompt = f"{text} \U0001f469\u200d\U0001f4bb"
    assert read_request_file(write(tmp_path, "a.txt", prompt)).prompt == prompt


def test_a_utf_8_byte_order_mark_is_tolerated(tmp_path):
    assert read_request_file(write(tmp_path, "a.txt", b"\xef\xbb\xbf" + PROMPT.encode())).prompt == PROMPT


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"", "empty"),
        ("a.txt", b" \n\t ", "empty"),
        ("a.yaml", b"\xef\xbb\xbf", "empty"),
        ("a.txt", "too short", "too short: 9"),
        ("a.json", '{"prompt": "   \\n          "}', "prompt is empty"),
        ("a.txt", PROMPT.encode("utf-16"), "UTF-16"),
        ("a.txt", PROMPT.encode("utf-16-le"), "UTF-16"),
        ("a.txt", PROMPT.encode("utf-32"), "UTF-32"),
        ("a.txt", PROMPT.encode() + "ü".encode("latin-1"), "byte 0xfc at position 40"),
        ("a.txt", f"{PROMPT}\0", "NUL (U+0000) in line 1, column 41"),
        ("a.txt", f"{PROMPT}\nand\x1b[31m red", "control character (U+001B) in line 2, column 4"),
        ("a.txt", f"{PROMPT}\x85", "control character (U+0085)"),
        ("a.txt", f"{PROMPT} \u202edne", "direction of text (U+202E)"),
        ("a.txt", f"{PROMPT} \u200f", "direction of text (U+200F)"),
        ("a.json", f'{{"prompt": "{PROMPT}\\u202e"}}', "direction of text (U+202E)"),
        ("a.json", f'{{"prompt": "{PROMPT}\\u0000"}}', "NUL"),
        ("a.json", f'{{"prompt": "{PROMPT} \\ud800"}}', "surrogate"),
        ("a.txt", f"{PROMPT} \ud800".encode("utf-8", "surrogatepass"), "not UTF-8"),
        ("a.yaml", f'prompt: "{PROMPT} \\ud800"', "not valid YAML"),
        ("a.yaml", f"prompt: {PROMPT} \u2066x", "direction of text"),
        ("a.json", f'{{"prompt": "{PROMPT}", "prompt": "{PROMPT}"}}', "'prompt' occurs twice"),
        ("a.yaml", f"prompt: {PROMPT}\nmode: fast\nmode: strict\n", "'mode' occurs twice in line 3"),
        ("a.yaml", f"prompt: {PROMPT}\nexamples:\n- input: {{a: 1, a: 2}}\n  raises: X", "'a' occurs twice"),
        ("a.json", f'{{"prompt": "{PROMPT}", "budget_usd": NaN}}', "NaN"),
        ("a.json", f'{{"prompt": "{PROMPT}", "budget_usd": -Infinity}}', "Infinity"),
        ("a.json", f'{{"prompt": "{PROMPT}", "budget_usd": 1e999}}', "budget_usd is not a finite number"),
        ("a.yaml", f"prompt: {PROMPT}\nbudget_usd: .nan", "budget_usd is not a finite number"),
        ("a.yaml", f"prompt: {PROMPT}\nexamples: [{{input: {{r: -.inf}}, raises: E}}]", "examples[0].input.r is not"),
        ("a.json", nested("[", "]", 5_000), "nested deeper"),
        ("a.json", nested('{"a":', "", 20_000), "nested deeper"),
        ("a.json", nested("[", "]", 100_000), "nested deeper"),
        ("a.yaml", nested("[", "]", 5_000), "nested deeper"),
        ("a.json", f'{{"prompt": "{PROMPT}", "budget_usd": {"9" * 5_000}}}', "5,000 digits"),
        ("a.yaml", f"prompt: {PROMPT}\nbudget_usd: {'9' * 5_000}", "not valid YAML"),
        ("a.yaml", f"prompt: {PROMPT}\nbudget_usd: 0x{'f' * 5_000}", "more than 100 digits"),
        ("a.yaml", f"a: &a [x, x]\nb: [*a, *a]\nprompt: {PROMPT}", "anchors and aliases"),
        ("a.yaml", f"prompt: {PROMPT}\n<<: {{mode: fast}}", "a key must be plain text"),
        ("a.yaml", "prompt: !!python/object/apply:os.system [ls]", "tag"),
        ("a.yaml", "!!binary aGVsbG8=", "tag"),
        ("a.yaml", f"? [a, b]\n: c\nprompt: {PROMPT}", "a key must be plain text"),
        ("a.yaml", f"1: x\nprompt: {PROMPT}", "a key of the request is 1, not text"),
        ("a.yaml", f"--- \nprompt: {PROMPT}\n--- \nprompt: {PROMPT}", "not valid YAML"),
        ("a.yaml", f"prompt: {PROMPT}\n  mode: fast", "not valid YAML"),
        ("a.yaml", f"prompt: {PROMPT}\n\tmode: fast", "not valid YAML"),
        ("a.yaml", "just a sentence about a node", "a mapping with the key 'prompt', not text"),
        ("a.json", "[1]", "a mapping with the key 'prompt', not a list"),
        ("a.json", "null", "not nothing"),
        ("a.json", f'{{"prompt": "{PROMPT}",', "not valid JSON"),
        ("a.json", f'{{"prompt": "{PROMPT}"}} trailing', "not valid JSON"),
        ("a.json", "{}", "prompt: Field required"),
        ("a.json", '{"prompt": 17}', "prompt: Input should be a valid string, not 17"),
        ("a.json", f'{{"prompt": "{PROMPT}", "mode": "slow"}}', "mode: Input should be 'fast', 'balanced' or 'strict'"),
        ("a.json", f'{{"prompt": "{PROMPT}", "budget_usd": "1"}}', "budget_usd: Input should be a valid number"),
        ("a.json", f'{{"prompt": "{PROMPT}", "budget_usd": -1}}', "budget_usd: Input should be greater than"),
        ("a.json", f'{{"prompt": "{PROMPT}", "examples": [{{"input": 1, "raises": "E"}}]}}', "examples[0].input: "),
        ("a.json", f'{{"prompt": "{PROMPT}", "examples": [{{"input": {{}}}}]}}', "exactly one of"),
        ("a.json", f'{{"prompt": "{PROMPT}", "project": {{"path": "p", "nam": "n"}}}}', "project.nam"),
        ("a.docx", PROMPT, "no request file"),
    ],
)
def test_a_bad_file_is_told_what_is_wrong_and_what_helps(tmp_path, name, content, message):
    assert message in refusal(tmp_path, name, content)


def test_an_unknown_key_is_named_with_the_known_ones(tmp_path):
    with pytest.raises(RequestError) as caught:
        request_from_mapping({"prompt": PROMPT, "promt": "x", "Mode": "fast"})
    assert "'Mode', 'promt'" in caught.value.message
    assert "budget_usd" in caught.value.cure


def test_a_file_over_the_limit_is_refused_by_its_size_alone(tmp_path):
    path = tmp_path / "huge.yaml"
    with path.open("wb") as stream:
        stream.truncate(50 * 1024**3)
    started = time.perf_counter()
    with pytest.raises(RequestError, match=r"too large \(413\): 53,687,091,200 bytes; at most 262,144"):
        read_request_file(path)
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize("content", ["prompt: " + "x" * 19_990 + "\nname: " + "[" * 200_000, "- a\n" * 60_000])
def test_the_largest_bad_yaml_is_refused_in_bounded_time(tmp_path, content):
    assert len(content) <= MAX_FILE_BYTES
    started = time.perf_counter()
    refusal(tmp_path, "a.yaml", content)
    assert time.perf_counter() - started < 10


def test_prompts_end_at_twenty_thousand_characters(tmp_path):
    read_request_file(write(tmp_path, "a.txt", "x" * 20_000))
    assert "413" in refusal(tmp_path, "a.txt", "x" * 20_001)
    with pytest.raises(RequestError, match=r"\(413\): 1,048,576 characters; at most 20,000"):
        check_prompt("x" * 1024**2)


def test_links_pipes_sockets_and_folders_are_not_read(tmp_path):
    target = write(tmp_path, "real.txt", PROMPT)
    (tmp_path / "link.txt").symlink_to(target)
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "folder.txt").mkdir()
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "s.txt"))
    for name in ("link.txt", "pipe.txt", "folder.txt", "s.txt"):
        with pytest.raises(RequestError):
            read_request_file(tmp_path / name)
    server.close()
    with pytest.raises(FileNotFoundError):
        read_request_file(tmp_path / "gone.txt")


def test_lines_of_json_are_read_in_order_and_errors_name_their_line(tmp_path):
    good = json.dumps({"prompt": PROMPT})
    path = write(tmp_path, "a.jsonl", f"{good}\n\n{good}\n")
    assert len(requests_from_jsonl(path)) == 2
    path = write(tmp_path, "b.jsonl", f'{good}\n{{"prompt": 1}}\n\n{good[:-1]}\n{good}')
    with pytest.raises(RequestError, match=r"line 2: prompt.*; line 4: not valid JSON"):
        requests_from_jsonl(path)
    assert [(n, isinstance(e, GenerationRequest)) for n, e in jsonl_entries(path)] == [
        (1, True),
        (2, False),
        (4, False),
        (5, True),
    ]
    with pytest.raises(RequestError, match="holds no request"):
        requests_from_jsonl(write(tmp_path, "c.jsonl", "\n \n"))


@pytest.mark.parametrize("stem", ["a", "my-request_2.v1", "A" * 63])
def test_a_plain_name_is_the_id(tmp_path, stem):
    assert request_id_for_file(tmp_path / f"{stem}.yaml") == stem


@pytest.mark.parametrize(
    "stem", ["my request", "a" * 64, "-x", "..", "a...b", "a..b", "ü", "\U0001f600", "name\n", "x" * 250, "%2e%2e", " "]
)
def test_any_other_name_gives_a_stable_valid_id_of_its_own(tmp_path, stem):
    made = request_id_for_file(tmp_path / f"{stem}.yaml")
    assert REQUEST_ID_PATTERN.match(made)
    assert ".." not in made
    assert made == request_id_for_file(tmp_path / f"{stem}.json")
    assert made != request_id_for_file(tmp_path / f"{stem}x y.yaml")


def test_the_id_of_a_prompt_starts_with_its_words_and_follows_its_content():
    first = GenerationRequest(prompt="Create EFFECT node for PostgreSQL writes, please, and quickly")
    second = first.model_copy(update={"mode": Mode.FAST})
    made = request_id_for_prompt(first)
    assert made.startswith("create-effect-node-for-postgresql-writes-")
    assert made == request_id_for_prompt(GenerationRequest(prompt=first.prompt))
    assert made != request_id_for_prompt(second)
    assert REQUEST_ID_PATTERN.match(request_id_for_prompt(GenerationRequest(prompt="创建一个写入数据库的节点服务程序")))
