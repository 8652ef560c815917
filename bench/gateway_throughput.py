"""Tokens per second through our gateway against the same prompts sent straight to the same host.

    OMNICLAUDE_MODEL_BASE_URL=http://127.0.0.1:8000/v1 .venv/bin/python -m bench.gateway_throughput

Both ways keep 16 requests in flight and alternate round by round in one run, the order swapped each time, so that
warming caches and other work on the machine fall on both alike. An unmeasured round comes first. Answers that hit the
token limit count with the tokens that were made, on both sides. The bar is a ratio of at least 0.90.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import httpx

from omniclaude_dagster.errors import ConfigurationError, OmniClaudeError
from omniclaude_dagster.providers.directory import DEFAULT_MODEL, with_version
from omniclaude_dagster.providers.errors import TruncatedReplyError
from omniclaude_dagster.providers.gateway import HttpModelGateway, build_gateway
from omniclaude_dagster.providers.model import ChatRequest, Message, ModelCall
from omniclaude_dagster.settings import Settings, load_settings

TARGET_RATIO = 0.90
TASKS = (
    "Write a Python function that adds two numbers.",
    "Explain in one sentence what a database index is.",
    "List three colours.",
    "Write a Python function that reverses a string.",
    "What is the capital of France? Answer in one word.",
    "Write a haiku about rain.",
    "Name two uses of a queue.",
    "Write a Python class with one method called run.",
)

type Ask = Callable[[str], Awaitable[int]]


@dataclass(frozen=True)
class Round:
    """What one way achieved in one round."""

    tokens_output: int
    seconds: float

    @property
    def tokens_per_s(self) -> float:
        """Tokens the model wrote, per second of wall clock."""
        return self.tokens_output / self.seconds


def prompts_of(count: int) -> list[str]:
    """Return that many prompts, no two alike."""
    return [f"{TASKS[i % len(TASKS)]} (request {i})" for i in range(count)]


def through_gateway(gateway: HttpModelGateway, *, model: str, max_tokens: int) -> Ask:
    """Return a way to ask that goes through our gateway."""

    async def ask(prompt: str) -> int:
        request = ChatRequest(
            stage="bench",
            messages=[Message("user", prompt)],
            correlation_id=uuid.uuid4(),
            max_tokens=max_tokens,
            deadline_s=600.0,
        )
        try:
            call: ModelCall | None = (await gateway.chat(request, model=model)).call
        except TruncatedReplyError as error:
            call = error.call
        if call is None or call.is_usage_estimated:
            raise ConfigurationError("the host reports no usage, so there is nothing to compare.", cure="use vLLM")
        return call.tokens_output

    return ask


def straight(client: httpx.AsyncClient, *, base_url: str, model: str, max_tokens: int, key: str | None) -> Ask:
    """Return a way to ask that is nothing but httpx."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}

    async def ask(prompt: str) -> int:
        body = {
            "model": model,
            "messages": [{"role": "user", "content": prompt}],
            "max_tokens": max_tokens,
            "temperature": 0.0,
        }
        response = await client.post(f"{base_url}/chat/completions", json=body, headers=headers)
        response.raise_for_status()
        return int(response.json()["usage"]["completion_tokens"])

    return ask


async def run_round(ask: Ask, *, prompts: Sequence[str], in_flight: int) -> Round:
    """Ask all prompts with so many in flight at any time."""
    waiting = iter(prompts)

    async def worker() -> int:
        return sum([await ask(prompt) for prompt in waiting])

    started = time.perf_counter()
    tokens = await asyncio.gather(*(worker() for _ in range(in_flight)))
    return Round(sum(tokens), time.perf_counter() - started)


async def compare(settings: Settings, *, rounds: int, count: int, in_flight: int, max_tokens: int) -> dict[str, object]:
    """Run both ways in turn and return the figures."""
    if settings.model_base_url is None:
        raise ConfigurationError("no model host is named.", cure="set OMNICLAUDE_MODEL_BASE_URL")
    base_url = with_version(settings.model_base_url)
    key = settings.model_api_key.get_secret_value() if settings.model_api_key else None
    gateway = build_gateway(settings)
    prompts = prompts_of(count)
    # vLLM hangs up after 5 idle seconds; without this a bare client fails on a connection that is just being closed.
    limits = httpx.Limits(keepalive_expiry=3.0)
    async with httpx.AsyncClient(timeout=600.0, trust_env=False, limits=limits) as client:
        if settings.model_name is None:
            await gateway.status()
        model = gateway.candidates("bench")[0]
        if model == DEFAULT_MODEL:
            raise ConfigurationError(f"{base_url} does not answer.", cure="start the host")
        served = settings.model_name or (await client.get(f"{base_url}/models")).json()["data"][0]["id"]
        ways = {
            "gateway": through_gateway(gateway, model=model, max_tokens=max_tokens),
            "straight": straight(client, base_url=base_url, model=served, max_tokens=max_tokens, key=key),
        }
        await run_round(ways["straight"], prompts=prompts, in_flight=in_flight)
        results: dict[str, list[Round]] = {name: [] for name in ways}
        for number in range(rounds):
            for name in sorted(ways, reverse=bool(number % 2)):
                result = await run_round(ways[name], prompts=prompts, in_flight=in_flight)
                results[name].append(result)
                sys.stderr.write(f"round {number + 1} {name:8} {result.tokens_per_s:8.1f} tokens/s\n")
    await gateway.close()
    return figures(results, model=served, count=count, in_flight=in_flight)


def figures(results: dict[str, list[Round]], *, model: str, count: int, in_flight: int) -> dict[str, object]:
    """Sum up by medians over the rounds: one round that something else on the machine slowed down does not decide."""
    rates = {name: [result.tokens_per_s for result in rounds] for name, rounds in results.items()}
    medians = {name: statistics.median(values) for name, values in rates.items()}
    return {
        "model": model,
        "in_flight": in_flight,
        "requests_a_round": count,
        "gateway_tokens_per_s": round(medians["gateway"], 1),
        "straight_tokens_per_s": round(medians["straight"], 1),
        "ratio": round(medians["gateway"] / medians["straight"], 3),
        "gateway_by_round": [round(value, 1) for value in rates["gateway"]],
        "straight_by_round": [round(value, 1) for value in rates["straight"]],
        "target_ratio": TARGET_RATIO,
    }


def main() -> int:
    """Print the figures as JSON; 0 when the bar is met, 1 when not, 2 or 3 when it could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="measured rounds each way")
    parser.add_argument("--requests", type=int, default=32, help="requests a round")
    parser.add_argument("--in-flight", type=int, default=16)
    parser.add_argument("--max-tokens", type=int, default=64)
    args = parser.parse_args()
    try:
        result = asyncio.run(
            compare(
                load_settings(),
                rounds=args.rounds,
                count=args.requests,
                in_flight=args.in_flight,
                max_tokens=args.max_tokens,
            )
        )
    except (OmniClaudeError, httpx.HTTPError) as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code if isinstance(error, OmniClaudeError) else 3
    print(json.dumps(result, indent=2))
    ratio = result["ratio"]
    return 0 if isinstance(ratio, float) and ratio >= TARGET_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())
