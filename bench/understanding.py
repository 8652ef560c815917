"""How well prompts are understood: accuracy with Wilson intervals, calibration, every miss with its reason, speed.

    .venv/bin/python -m bench.understanding            rules alone, all data sets
    .venv/bin/python -m bench.understanding --fit      the constants of understanding/confidence.py, fitted anew
    .venv/bin/python -m bench.understanding --model    a model's own accuracy beside the rules' (needs a model host)
    ... --group own                                    one data set only

Data: ../shared/data/prompts_dev.jsonl (public), tests/data/prompts_own.jsonl and prompts_more.jsonl (written for this
project). Rules were made from the parts `dev`; `calibration` fitted the curve; `held_out` was only ever counted.
"""

import argparse
import asyncio
import json
import math
import statistics
import sys
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omniclaude_dagster.errors import OmniClaudeError
from omniclaude_dagster.providers.model import ChatRequest, Message, ModelGateway
from omniclaude_dagster.request.model import NodeKind, ParsedRequest
from omniclaude_dagster.request.naming import name_problem
from omniclaude_dagster.request.understanding import understand
from omniclaude_dagster.request.understanding.confidence import INFERRED_KIND, MIN_KIND_EVIDENCE, strength
from omniclaude_dagster.request.understanding.model_prompt import kind_and_name_schema, merge, messages_for
from omniclaude_dagster.request.understanding.understand import read

PROJECT = Path(__file__).resolve().parents[1]
PUBLIC = PROJECT.parent / "shared" / "data" / "prompts_dev.jsonl"
OWN = PROJECT / "tests" / "data" / "prompts_own.jsonl"
MORE = PROJECT / "tests" / "data" / "prompts_more.jsonl"
BINS = ((0.0, 0.5), (0.5, 0.75), (0.75, 0.9), (0.9, 1.01))
RIDGE = 0.05
MODEL_CONCURRENCY = 4


@dataclass(frozen=True)
class Case:
    """A labelled prompt; `kind` and `name` are None where the data has no label."""

    prompt: str
    kind: str | None
    name: str | None
    is_unclear: bool
    group: str


@dataclass(frozen=True)
class Answer:
    """What was understood of a case, by rules, a model, or both."""

    kind: str | None
    name: str | None
    confidence: float
    has_questions: bool
    why: str = ""


def load_cases() -> list[Case]:
    """All data sets that are there; the public one is absent in a clone without ../shared."""
    cases: list[Case] = []
    for path, group in ((PUBLIC, "public"), (OWN, "own"), (MORE, "more")):
        if not path.exists():
            print(f"({path.name} is not here, skipped)")
            continue
        for line in path.read_text("utf-8").splitlines():
            row = json.loads(line)
            split = f" {row['split']}" if "split" in row else ""
            kind = row.get("node_kind", row.get("node_type"))
            cases.append(Case(row["prompt"], kind, row["expected_name"], row.get("is_unclear", False), group + split))
    return cases


def from_parsed(parsed: ParsedRequest) -> Answer:
    """The part of a ParsedRequest that is judged."""
    kind = parsed.node_kind.value if parsed.node_kind else None
    return Answer(kind, parsed.name, parsed.confidence, bool(parsed.questions), "; ".join(parsed.reasons[:4]))


def wilson(right: int, total: int, *, z: float = 1.96) -> tuple[float, float]:
    """The 95 % Wilson interval of a share."""
    if not total:
        return 0.0, 1.0
    share = right / total
    centre = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    return (centre - spread) / scale, (centre + spread) / scale


def share(right: int, total: int) -> str:
    """`104/105 = 99.0 % [94.8, 99.8]`."""
    if not total:
        return "-"
    low, high = wilson(right, total)
    return f"{right}/{total} = {100 * right / total:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


def is_right(case: Case, answer: Answer, *, same_case: bool = False) -> bool:
    """Kind and name right where labelled."""
    if case.kind is not None and answer.kind != case.kind:
        return False
    return case.name is None or _same_name(answer.name, case.name, same_case=same_case)


def _same_name(given: str | None, expected: str, *, same_case: bool) -> bool:
    if given is None:
        return False
    return given == expected if same_case else given.lower() == expected.lower()


def print_accuracy(title: str, cases: Sequence[Case], answers: Sequence[Answer]) -> None:
    """One block of figures for one group of cases."""
    pairs = list(zip(cases, answers, strict=True))
    with_kind = [(c, a) for c, a in pairs if c.kind]
    with_name = [(c, a) for c, a in pairs if c.name]
    unclear = [a for c, a in pairs if c.is_unclear]
    print(f"\n{title}: {len(pairs)} prompts")
    print(f"  kind                     {share(sum(a.kind == c.kind for c, a in with_kind), len(with_kind))}")
    for kind in NodeKind:
        rows = [(c, a) for c, a in with_kind if c.kind == kind]
        print(f"    {kind:<22} {share(sum(a.kind == c.kind for c, a in rows), len(rows))}")
    exact = sum(_same_name(a.name, c.name or "", same_case=True) for c, a in with_name)
    loose = sum(_same_name(a.name, c.name or "", same_case=False) for c, a in with_name)
    print(f"  name, casing counts      {share(exact, len(with_name))}")
    print(f"  name, casing ignored     {share(loose, len(with_name))}")
    if unclear:
        asked = sum(a.has_questions and a.kind is None for a in unclear)
        print(f"  unclear -> questions     {share(asked, len(unclear))}")
    invalid = sum(1 for a in answers if a.name is not None and name_problem(a.name) is not None)
    print(f"  invalid names            {invalid}")


def print_calibration(cases: Sequence[Case], answers: Sequence[Answer]) -> None:
    """Share right by confidence, over the prompts with a label."""
    labelled = [(c, a) for c, a in zip(cases, answers, strict=True) if c.kind or c.name]
    print("\n  confidence    right (kind and name where labelled)         same, casing of names counts")
    for low, high in BINS:
        rows = [(c, a) for c, a in labelled if low <= a.confidence < high]
        loose = sum(is_right(c, a) for c, a in rows)
        exact = sum(is_right(c, a, same_case=True) for c, a in rows)
        print(f"  {low:.2f} - {min(high, 1):.2f}   {share(loose, len(rows)):<40}     {share(exact, len(rows))}")


def reason_of_miss(case: Case, answer: Answer) -> str:
    """Why a miss happened, as far as the data and the evidence tell."""
    parts: list[str] = []
    if case.kind is not None and answer.kind != case.kind:
        if answer.kind is None:
            parts.append("no sufficient evidence for any kind in the text; asks instead of guessing")
        else:
            parts.append(f"weighs {answer.kind} over {case.kind} ({answer.why})")
    if case.name is not None and answer.name != case.name:
        if answer.name is not None and answer.name.lower() == case.name.lower():
            parts.append("the prompt's own casing was kept; the label is the original's lower-cased service name")
        else:
            parts.append("the name in the prompt was not recognised as one" if answer.name else "no name found")
    return "; ".join(parts)


def print_misses(cases: Sequence[Case], answers: Sequence[Answer]) -> None:
    """Every miss of kind or name, with the reason."""
    print("\nmisses (set | confidence | expected | understood | reason | prompt)")
    for case, answer in zip(cases, answers, strict=True):
        reason = reason_of_miss(case, answer)
        if reason:
            prompt = " ".join(case.prompt.split())[:110]
            print(
                f"  {case.group} | {answer.confidence:.2f} | {case.kind} {case.name or ''} | "
                f"{answer.kind} {answer.name or ''} | {reason} | {prompt}"
            )


def print_speed(cases: Sequence[Case]) -> None:
    """Milliseconds per prompt, after one warming pass."""
    times_ms: list[float] = []
    for case in cases:
        started = time.perf_counter()
        understand(case.prompt)
        times_ms.append((time.perf_counter() - started) * 1e3)
    p99 = sorted(times_ms)[int(0.99 * (len(times_ms) - 1))]
    print(f"\nspeed: median {statistics.median(times_ms):.2f} ms a prompt, p99 {p99:.2f} ms, {len(times_ms)} prompts")


def groups_of(cases: Sequence[Case]) -> list[str]:
    """Names of the groups in the order of the data."""
    return list(dict.fromkeys(case.group for case in cases))


def report(title: str, cases: Sequence[Case], answers: Sequence[Answer]) -> None:
    """All tables for one way of answering."""
    print(f"\n=== {title}")
    for group in groups_of(cases):
        rows = [(c, a) for c, a in zip(cases, answers, strict=True) if c.group == group]
        print_accuracy(group, [c for c, _ in rows], [a for _, a in rows])
        print_calibration([c for c, _ in rows], [a for _, a in rows])
    print("\nall sets together")
    print_calibration(cases, answers)


# --- fitting ---------------------------------------------------------------------------------------------------------


def fit(cases: Iterable[Case]) -> None:
    """Print the constants of confidence.py: the curve from the prompts that the rules were not made from."""
    rows: list[tuple[float, bool]] = []
    said_kind = [0, 0]
    said_name = [0, 0]
    for case in cases:
        is_for_curve = case.group.endswith(("held_out", "calibration"))
        reading = read(case.prompt)
        evidence = reading.evidence
        if case.kind and len(evidence.said) == 1:
            said_kind[0] += evidence.best == case.kind
            said_kind[1] += 1
        elif is_for_curve and case.kind and not evidence.said and evidence.top >= MIN_KIND_EVIDENCE:
            rows.append((strength(evidence), evidence.best == case.kind))
        if case.name and reading.said_name is not None:
            said_name[0] += _same_name(reading.said_name.name, case.name, same_case=False)
            said_name[1] += 1
    intercept, slope = _logistic_fit(rows)
    print(f"inferred kinds: {sum(r for _, r in rows)} of {len(rows)} right")
    sure = [hit for x, hit in rows if intercept + slope * x >= math.log(0.9 / 0.1)]
    highest = (sum(sure) + 1) / (len(sure) + 2)
    fitted = f"intercept={intercept:.2f}, per_strength={slope:.2f}, highest={highest:.3f}"
    print(f"INFERRED_KIND: {fitted}  (now {INFERRED_KIND})")
    print(f"SAID_KIND_CONFIDENCE (Laplace): {(said_kind[0] + 1) / (said_kind[1] + 2):.3f} from {said_kind}")
    print(f"SAID_NAME_CERTAINTY (Laplace): {(said_name[0] + 1) / (said_name[1] + 2):.3f} from {said_name}")


def _logistic_fit(rows: Sequence[tuple[float, bool]]) -> tuple[float, float]:
    """Newton's method for logit P = a + b x with a ridge on b."""
    a, b = 0.0, 0.0
    for _ in range(50):
        grad_a = grad_b = 0.0
        h_aa = h_ab = 0.0
        h_bb = RIDGE
        grad_b -= RIDGE * b
        for x, is_hit in rows:
            p = 1 / (1 + math.exp(-(a + b * x)))
            weight = p * (1 - p)
            grad_a += is_hit - p
            grad_b += (is_hit - p) * x
            h_aa += weight
            h_ab += weight * x
            h_bb += weight * x * x
        determinant = h_aa * h_bb - h_ab * h_ab
        if determinant < 1e-12:
            break
        a += (h_bb * grad_a - h_ab * grad_b) / determinant
        b += (h_aa * grad_b - h_ab * grad_a) / determinant
    return a, b


# --- a model beside the rules ----------------------------------------------------------------------------------------


type Reply = tuple[dict[str, Any], str]


async def ask_model(gateway: ModelGateway, model: str, prompt: str) -> Reply | None:
    """The model's answer for one prompt and the name it is served under, or None when the call failed."""
    messages = [Message(role, content) for role, content in messages_for(prompt)]
    request = ChatRequest(
        "1", messages, uuid.uuid4(), max_tokens=64, json_schema=kind_and_name_schema(), deadline_s=60.0
    )
    try:
        reply = await gateway.chat(request, model=model)
    except OmniClaudeError as exc:
        print(f"  (failed: {exc})", file=sys.stderr)
        return None
    return (reply.data, reply.call.model) if isinstance(reply.data, dict) else None


async def compare_with_model(cases: Sequence[Case]) -> None:
    """Tables for the model alone, and for rules first with the model second."""
    # Imported here: the rules' figures need no provider.
    from omniclaude_dagster.providers.gateway import build_gateway
    from omniclaude_dagster.settings import load_settings

    gateway: ModelGateway = build_gateway(load_settings())
    try:
        usable = gateway.candidates("1")
        if not usable:
            print("no model is configured; set OMNICLAUDE_MODEL_BASE_URL, for example http://127.0.0.1:8000/v1")
            return
        limit = asyncio.Semaphore(MODEL_CONCURRENCY)

        async def one(case: Case) -> Reply | None:
            async with limit:
                return await ask_model(gateway, usable[0], case.prompt)

        started = time.perf_counter()
        replies = await asyncio.gather(*(one(case) for case in cases))
        seconds = time.perf_counter() - started
    finally:
        await gateway.close()
    failed = sum(reply is None for reply in replies)
    print(f"\nmodel {usable[0]}: {len(replies)} prompts, {failed} failed calls, {seconds:.1f} s")
    report(f"model {usable[0]} alone", cases, [_model_answer(reply[0] if reply else {}) for reply in replies])
    both = [from_parsed(_merged(case, reply)) for case, reply in zip(cases, replies, strict=True)]
    report("rules first, model second", cases, both)


def _merged(case: Case, reply: Reply | None) -> ParsedRequest:
    parsed = understand(case.prompt)
    return merge(parsed, reply[0], model=reply[1]) if reply else parsed


def _model_answer(reply: dict[str, Any]) -> Answer:
    kind = reply.get("kind")
    return Answer(kind if kind in set(NodeKind) else None, reply.get("name"), 1.0, kind == "UNCLEAR")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the evaluation the arguments ask for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--fit", action="store_true", help="fit the constants of confidence.py")
    parser.add_argument("--model", action="store_true", help="compare with a model's own accuracy")
    parser.add_argument("--group", default="", help="only sets whose name starts so: public, own, more")
    options = parser.parse_args(arguments)
    cases = [case for case in load_cases() if case.group.startswith(options.group)]
    if options.fit:
        fit(cases)
        return 0
    answers = [from_parsed(understand(case.prompt)) for case in cases]
    report("rules alone", cases, answers)
    print_misses(cases, answers)
    print_speed(cases)
    if options.model:
        asyncio.run(compare_with_model(cases))
    return 0


if __name__ == "__main__":
    sys.exit(main())
