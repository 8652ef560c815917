"""Reads contract and schema files: plain files below one folder, bounded in size and number, never the network.

Gives parsed documents and the places that `$id` and `$anchor` name in them. Follows no reference by itself.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.request.contract.schema_walk import children
from omniclaude_dagster.request.files import decoded, read_limited
from omniclaude_dagster.request.parsing import parse_json, parse_yaml
from omniclaude_dagster.request.text_rules import data_problem, text_problem

MAX_DOCUMENT_BYTES = 8 * 1024 * 1024
MAX_DOCUMENTS = 64
SUFFIXES = frozenset({".yaml", ".yml", ".json"})


@dataclass(frozen=True)
class Location:
    """A place in a document: the document's path below the folder, and the tokens of a pointer."""

    document: str
    tokens: tuple[str, ...] = ()


@dataclass
class Document:
    """One parsed file, and where its `$id` and `$anchor` keywords stand."""

    name: str
    data: Any
    # Absolute address -> tokens of the schema that has it.
    addresses: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def base_of(self, tokens: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        """Address and tokens of the nearest schema with an `$id` around a place; without one, the whole document."""
        base, current = "", self.data
        base_tokens: tuple[str, ...] = ()
        for position in range(len(tokens) + 1):
            identity = current.get("$id") if isinstance(current, dict) else None
            if isinstance(identity, str) and not identity.startswith("#"):
                base, base_tokens = joined(base, identity), tokens[:position]
            if position < len(tokens):
                token = tokens[position]
                current = current[int(token)] if isinstance(current, list) else current[token]
        return base, base_tokens


class DocumentFolder:
    """The documents of one folder. Without a folder there is only the document it was given."""

    def __init__(self, root: Path | None) -> None:
        self._root = root
        self._documents: dict[str, Document] = {}

    def add(self, name: str, data: Any) -> Document:
        """Keep a document under its name. Raises RequestError for data no request may hold."""
        plain = _with_text_keys(data)
        problem = data_problem(plain)
        if problem:
            shown = problem.removeprefix("the request ")
            raise RequestError(f"the contract {name or 'given'} cannot be used: {shown}.", cure="correct that value")
        document = Document(name, plain)
        _index(document)
        self._documents[name] = document
        return document

    def load(self, name: str) -> Document:
        """The document at a path below the folder. Raises RequestError."""
        if name not in self._documents:
            if len(self._documents) >= MAX_DOCUMENTS:
                raise RequestError(f"the contract spreads over more than {MAX_DOCUMENTS} files.", cure="bundle them")
            self.add(name, self._read(name))
        return self._documents[name]

    def place_of(self, address: str) -> Location | None:
        """Where the schema with this `$id` or `$anchor` address stands in what was read so far."""
        for document in self._documents.values():
            if address in document.addresses:
                return Location(document.name, document.addresses[address])
        return None

    def sibling(self, document: str, reference: str) -> str:
        """Path below the folder of a file that a document names. Raises RequestError for a way out of the folder."""
        parts = urlsplit(reference)
        if parts.scheme or parts.netloc:
            raise RequestError(
                f"the reference {reference[:120]!r} leads to the network, and nothing is fetched.",
                cure="save that document beside the contract and refer to the file",
            )
        if self._root is None:
            raise RequestError(
                f"the reference {reference[:120]!r} leads to another file, but this contract was given inline.",
                cure="put it in a file and name it with contract_file or --contract",
            )
        path = PurePosixPath(unquote(parts.path).replace("\\", "/"))
        joined_path = os.path.normpath((PurePosixPath(document).parent / path).as_posix())
        if path.is_absolute() or joined_path.startswith("..") or "\0" in joined_path:
            raise RequestError(
                f"the reference {reference[:120]!r} leaves the folder of the contract.",
                cure="move the file beside the contract",
            )
        return joined_path

    def _read(self, name: str) -> Any:
        if self._root is None:
            raise RequestError(f"there is no document {name[:120]!r}.", cure="give the contract as a file")
        path = self._root / name
        current = self._root
        for part in PurePosixPath(name).parts[:-1]:
            current = current / part
            if current.is_symlink():
                raise RequestError(f"{name[:120]!r} passes through a symbolic link.", cure="put the file itself there")
        try:
            return read_document(path)
        except FileNotFoundError:
            raise RequestError(f"there is no file {path}.", cure=_near_files(path)) from None


def read_document(path: Path) -> Any:
    """Data of one YAML or JSON file. Raises RequestError; FileNotFoundError when there is none."""
    suffix = path.suffix.lower()
    if path.is_dir():
        raise RequestError(f"{path} is a folder.", cure="name a contract.yaml, a JSON Schema or an OpenAPI document")
    content = read_limited(path, max_bytes=MAX_DOCUMENT_BYTES)
    try:
        text = decoded(content)
        problem = text_problem(text)
        if problem:
            raise RequestError(f"the file {problem}.", cure="remove that character")  # noqa: TRY301 - one place adds the name
        return parse_json(text) if suffix == ".json" or text.lstrip()[:1] in {"{", "["} else parse_yaml(text)
    except RequestError as exc:
        cure = "write a contract, a JSON Schema or an OpenAPI document" if "is empty" in exc.message else exc.cure
        raise RequestError(f"{path.name[:120]}: {exc.message}", cure=cure) from None


def joined(base: str, reference: str) -> str:
    """The absolute address of a reference; addresses without a scheme are kept apart from files."""
    return urljoin(base or "omniclaude:///", reference)


def _with_text_keys(data: Any) -> Any:
    """YAML reads the key of `200: ...` as a number; in JSON it is text."""
    if isinstance(data, dict):
        return {str(k) if type(k) is int else k: _with_text_keys(v) for k, v in data.items()}
    return [_with_text_keys(item) for item in data] if isinstance(data, list) else data


def _index(document: Document) -> None:
    """Note every `$id` and `$anchor`. `$defs` of a document that is no schema (OpenAPI) are looked through as well."""
    todo: list[tuple[tuple[str, ...], Any, str]] = [((), document.data, "")]
    while todo:
        tokens, value, base = todo.pop()
        if not isinstance(value, dict):
            continue
        identity, anchor = value.get("$id"), value.get("$anchor") or value.get("$dynamicAnchor")
        if isinstance(identity, str):
            base = joined(base, identity)
            document.addresses.setdefault(base.rstrip("#"), tokens)
        if isinstance(anchor, str):
            document.addresses.setdefault(_anchored(base, document.name, anchor), tokens)
        todo.extend(((*tokens, *path), part, base) for path, part in children(value))
        components = value.get("components") if tokens == () else None
        schemas = components.get("schemas") if isinstance(components, dict) else None
        if isinstance(schemas, dict):
            todo.extend((("components", "schemas", name), part, base) for name, part in schemas.items())


def _anchored(base: str, name: str, anchor: str) -> str:
    return f"{base or name}#{anchor}"


def anchor_address(base: str, name: str, anchor: str) -> str:
    """Address of an anchor in the schema with this `$id`, or in a document without one."""
    return _anchored(base, name, anchor)


def _near_files(path: Path) -> str:
    from omniclaude_dagster.request.contract.pointers import near_matches

    try:
        names = sorted(entry.name for entry in path.parent.iterdir() if entry.suffix.lower() in SUFFIXES)
    except OSError:
        names = []
    near = near_matches(path.name, names[:500])
    return f"name an existing file; near: {', '.join(near)}" if near else "name an existing file"
