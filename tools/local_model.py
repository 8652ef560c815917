#!/usr/bin/env python3
"""A real local model for a machine without one: sets up, starts and stops vLLM with SmolLM2-135M-Instruct.

Runs on any python3 from 3.9 with the standard library alone, because it works before `.venv` exists and builds
an environment of its own (Python 3.11, vLLM's CPU build). Everything lives in the user's cache folder and is used
again by the next clone. The file that reads the environment in the application is settings.py; this program
stands outside the application and reads OMNICLAUDE_MODEL_CACHE and OMNICLAUDE_TORCH_INDEX itself.

What does not live here: how the application talks to a model (providers), and which prompts it sends.

Exit codes: 0 done; 1 `status` only: set up but not running; 2 wrong usage; 3 an outside part failed.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

if not __package__:
    # Run as a file, Python looks for modules beside it; the imports below start at the project's root.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools.local_model_common import MODEL_NAME, Layout, LocalModelError, cache_folder, server_environment
from tools.local_model_server import (
    START_DEADLINE_S,
    ServerState,
    choose_port,
    is_healthy,
    is_our_process,
    read_state,
    server_command,
    start,
    stop,
)
from tools.local_model_setup import required_interpreter, set_up

DEFAULT_PORT = 8000


def _print_variables(state: ServerState) -> None:
    print(f"OMNICLAUDE_MODEL_BASE_URL={state.base_url}")
    print(f"OMNICLAUDE_MODEL_NAME={MODEL_NAME}")


def _setup_command(arguments: argparse.Namespace, layout: Layout) -> int:
    # Not resolved: the link in an environment's bin folder is what makes Python use that environment.
    given = Path.cwd() / arguments.python if arguments.python else None
    set_up(layout, given_interpreter=given)
    return 0


def _start_command(arguments: argparse.Namespace, layout: Layout) -> int:
    folder = arguments.state_dir or layout.default_state
    _print_variables(start(layout, folder.resolve(), port=arguments.port, deadline_s=arguments.deadline))
    return 0


def _stop_command(arguments: argparse.Namespace, layout: Layout) -> int:
    has_stopped = stop((arguments.state_dir or layout.default_state).resolve())
    print("stopped" if has_stopped else "no server was running", file=sys.stderr)
    return 0


def _status_command(arguments: argparse.Namespace, layout: Layout) -> int:
    state = read_state((arguments.state_dir or layout.default_state).resolve())
    if state is not None and is_healthy(state):
        print(f"healthy: process {state.pid}, log {state.log}", file=sys.stderr)
        _print_variables(state)
        return 0
    if state is not None and is_our_process(state):
        print(f"process {state.pid} is starting or does not answer; log {state.log}", file=sys.stderr)
        return 1
    required_interpreter(layout)
    print("set up, not running; start it with: tools/local_model.py start", file=sys.stderr)
    return 1


def _run_command(arguments: argparse.Namespace, layout: Layout) -> int:
    command = server_command(layout, required_interpreter(layout), port=choose_port(arguments.port))
    os.execve(command[0], command, server_environment(os.environ, layout=layout))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="local_model.py", description="A local vLLM with a small real model.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, action: object, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(action=action)
        return sub

    setup = command("setup", _setup_command, "Make the environment and the model in the cache folder, once.")
    setup.add_argument("--python", metavar="PATH", help="use vLLM of this interpreter instead, e.g. on a GPU host")
    begin = command("start", _start_command, "Start the server in the background, or use the one that runs.")
    begin.add_argument("--port", type=int, help="port on loopback; default: a free one")
    begin.add_argument("--deadline", type=float, default=START_DEADLINE_S, metavar="SECONDS", help="longest wait")
    end = command("stop", _stop_command, "Stop the server that `start` started; nothing else is touched.")
    status = command("status", _status_command, "Exit code 0: healthy, 1: not running, 3: not set up.")
    for sub in (begin, end, status):
        sub.add_argument("--state-dir", type=Path, help="folder of the server's record and log; default: in the cache")
    foreground = command("run", _run_command, "Run the server in the foreground; Ctrl-C ends it.")
    foreground.add_argument("--port", type=int, default=DEFAULT_PORT, help=f"port on loopback; default {DEFAULT_PORT}")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command and return the exit code."""
    arguments = _parser().parse_args(argv)
    # An ordinary kill unwinds like Ctrl-C, so that no half-started server is left behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return int(arguments.action(arguments, Layout(cache_folder(os.environ))))
    except LocalModelError as exc:
        print(f"local_model: {exc}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        print("local_model: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
