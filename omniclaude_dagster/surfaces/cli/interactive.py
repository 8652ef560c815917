"""The dialogue of `generate --interactive`: asks for what is missing, shows what is understood, takes corrections.

Speaks on stderr and reads lines from stdin, a terminal or a pipe. What a person corrects becomes part of the request:
kind, name and domain as its fields; operations, systems, fields and steps as sentences of its prompt, after which the
prompt is read again, so that what is shown is always what will be generated.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.text import Text

from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.request.intake import request_from_mapping
from omniclaude_dagster.request.model import GenerationRequest, NodeKind
from omniclaude_dagster.request.naming import name_problem, pascal_case
from omniclaude_dagster.request.text_rules import check_prompt
from omniclaude_dagster.request.understanding import understand
from omniclaude_dagster.request.understanding.questions import ASK_BELOW, SEVERAL_KINDS_OPENING
from omniclaude_dagster.surfaces.cli.console import notes, plain
from omniclaude_dagster.surfaces.cli.render import parsed_view

if TYPE_CHECKING:
    from omniclaude_dagster.request.model import ParsedRequest

_KIND_HELP = {
    NodeKind.EFFECT: "does I/O: a database, an API, files",
    NodeKind.COMPUTE: "computes a result from its input alone",
    NodeKind.REDUCER: "combines many items or events into one state",
    NodeKind.ORCHESTRATOR: "runs several steps in order",
}
# How a correction of this part is put into the prompt.
_SENTENCES = {
    "o": ("operations", "It must {}."),
    "s": ("external systems", "It works with {}."),
    "f": ("fields (name: type, ...)", "Fields: {}."),
    "t": ("steps, in order", "Steps: {}."),
}
_MENU = (
    "Enter generates; correct with k kind, n name, d domain, o operations, s systems, f fields, t steps, "
    "p prompt; q gives up"
)
_MAX_TRIES = 20
# As in the parser's own question "Is ... the right name?".
ASK_NAME_BELOW = 0.6


@dataclass
class Dialogue:
    """One conversation. `read_line` gives a line with its end, or "" when there is no more."""

    read_line: Callable[[], str]
    console: Console

    @classmethod
    def with_terminal(cls, stdin: TextIO | None = None) -> "Dialogue":
        """The dialogue on stdin and stderr."""
        source = stdin or sys.stdin
        # A program started with its stdin closed has none at all.
        return cls(read_line=source.readline if source is not None else str, console=notes())

    def ask_prompt(self) -> str:
        """What the node shall do. Asked again until it can be a prompt."""
        return self._asked("What should the node do?", _prompt_answer)

    def agree_on(self, request: GenerationRequest) -> GenerationRequest:
        """The request after questions, corrections and consent. Raises RequestError when the input ends before."""
        request = self._with_missing_parts(request)
        for _ in range(_MAX_TRIES):
            parsed_view(self.console, _understood(request))
            choice = self._line(f"{_MENU}: ").strip().lower()
            if choice in {"", "y", "yes"}:
                if _is_complete(_understood(request)):
                    return request
                self._say("kind and name are still open.")
                request = self._with_missing_parts(request)
            elif choice in {"q", "quit"}:
                raise RequestError("given up; nothing was generated.", cure="start again when you like")
            else:
                request = self._corrected(request, choice)
        raise RequestError(f"no agreement after {_MAX_TRIES} rounds; nothing was generated.", cure="start again")

    def _with_missing_parts(self, request: GenerationRequest) -> GenerationRequest:
        """Ask for what the parser has questions about, the prompt itself first."""
        parsed = _understood(request)
        for question in parsed.questions:
            self._say(f"? {question}")
        if not parsed.operations:
            request = self._completed(request)
            parsed = _understood(request)
        if _is_kind_open(parsed):
            request = self._corrected(request, "k")
            parsed = _understood(request)
        if _is_name_open(parsed):
            request = self._corrected(request, "n")
        return request

    def _completed(self, request: GenerationRequest) -> GenerationRequest:
        more = self._line("What does it do: which input, and what comes out or changes? (Enter: leave it) ").strip()
        return self._replaced(request, prompt=_continued(request.prompt, more)) if more else request

    def _corrected(self, request: GenerationRequest, choice: str) -> GenerationRequest:
        parsed = _understood(request)
        if choice == "k":
            default = parsed.node_kind.value if parsed.node_kind else None
            for kind, meaning in _KIND_HELP.items():
                self._say(f"  {kind.value:<13}{meaning}")
            return self._replaced(request, node_kind=self._asked("Kind?", _kind_answer, default=default))
        if choice == "n":
            default = parsed.name if parsed.name and not name_problem(parsed.name) else None
            return self._replaced(request, name=self._asked("Name (PascalCase)?", _name_answer, default=default))
        if choice == "d":
            return self._replaced(request, domain=self._line(f"Domain [{plain(parsed.domain)}]: ").strip() or None)
        if choice == "p":
            return self._replaced(request, prompt=self._asked("Prompt?", _prompt_answer, default=request.prompt))
        if choice in _SENTENCES:
            what, sentence = _SENTENCES[choice]
            answer = self._line(f"{what.capitalize()} (Enter: leave them): ").strip().rstrip(".")
            prompt = _continued(request.prompt, sentence.format(answer))
            return self._replaced(request, prompt=prompt) if answer else request
        self._say(f"{plain(choice)[:40]!r} is none of the letters.")
        return request

    def _replaced(self, request: GenerationRequest, **changes: str | None) -> GenerationRequest:
        """The request with changes, or as it was, with the reason, when they cannot be."""
        given = {key: value for key, value in changes.items() if value is not None}
        try:
            return request_from_mapping({**request.model_dump(mode="json", exclude_none=True), **given})
        except RequestError as exc:
            self._say(str(exc))
            return request

    def _asked(self, question: str, answer_of: Callable[[str], str], *, default: str | None = None) -> str:
        shown = f"{question} [{plain(default)}] " if default else f"{question} "
        for _ in range(_MAX_TRIES):
            text = self._line(shown).strip() or default or ""
            try:
                return answer_of(text)
            except RequestError as exc:
                self._say(str(exc))
        raise RequestError(f"no usable answer after {_MAX_TRIES} tries; nothing was generated.", cure="start again")

    def _line(self, question: str) -> str:
        self.console.print(Text(question), end="", soft_wrap=True)
        try:
            line = self.read_line()
        except (UnicodeDecodeError, ValueError, OSError) as exc:
            raise RequestError(
                f"the input cannot be read: {exc}; nothing was generated.", cure="answer in UTF-8 text"
            ) from None
        if not line:
            self.console.print()
            raise RequestError(
                "the input ended before you agreed; nothing was generated.",
                cure="answer on a terminal or pipe all answers in; or use generate PROMPT --kind ... --name ...",
            )
        return line

    def _say(self, text: str) -> None:
        self.console.print(Text(plain(text, keep_lines=True)), soft_wrap=True)


def _understood(request: GenerationRequest) -> "ParsedRequest":
    return understand(request.prompt, node_kind=request.node_kind, name=request.name, domain=request.domain)


def _is_complete(parsed: "ParsedRequest") -> bool:
    return parsed.node_kind is not None and parsed.name is not None and name_problem(parsed.name) is None


def _is_kind_open(parsed: "ParsedRequest") -> bool:
    return (
        parsed.node_kind is None
        or parsed.kind_confidence < ASK_BELOW
        or any(question.startswith(SEVERAL_KINDS_OPENING) for question in parsed.questions)
    )


def _is_name_open(parsed: "ParsedRequest") -> bool:
    return parsed.name is None or parsed.name_confidence < ASK_NAME_BELOW or name_problem(parsed.name) is not None


def _continued(prompt: str, sentence: str) -> str:
    """The prompt with one more sentence."""
    said = prompt.rstrip()
    return f"{said} {sentence}" if said.endswith((".", "!", "?")) else f"{said}. {sentence}"


def _prompt_answer(text: str) -> str:
    check_prompt(text)
    return text


def _kind_answer(text: str) -> str:
    wanted = text.strip().upper()
    found = [kind.value for kind in NodeKind if wanted and kind.value.startswith(wanted)]
    if len(found) != 1:
        raise RequestError(f"{plain(text)[:40]!r} is no kind of node.", cure=f"one of {', '.join(NodeKind)}")
    return found[0]


def _name_answer(text: str) -> str:
    """A name; words are put together, anything else that is wrong is asked again."""
    name = pascal_case(text) if " " in text.strip() else text.strip()
    problem = name_problem(name)
    if problem:
        raise RequestError(f"{plain(text)[:80]!r} {problem}.", cure="for example UserWriter")
    return name
