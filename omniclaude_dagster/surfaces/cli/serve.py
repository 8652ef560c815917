"""`omniclaude serve`: the HTTP service, and the tokens that open it. Here are only the commands and how they look."""

from typing import TYPE_CHECKING, Annotated

import click
import typer

from omniclaude_dagster.surfaces.cli.boundary import EXIT_DONE
from omniclaude_dagster.surfaces.cli.console import emit_json, output, plain, say
from omniclaude_dagster.surfaces.cli.options import DebugOption, JsonOption

if TYPE_CHECKING:
    from omniclaude_dagster.surfaces.api.tokens import TokenEntry, TokenFile

_SCOPES = click.Choice(["read", "write"])
_HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}

serve = typer.Typer(
    name="serve",
    help="Serve the pattern library and figures over HTTP. Without a command: start.",
    invoke_without_command=True,
    context_settings=_HELP_OPTIONS,
)
token = typer.Typer(name="token", help="Who may use the service.", no_args_is_help=True, context_settings=_HELP_OPTIONS)
serve.add_typer(token)


@serve.callback()
def start(
    ctx: typer.Context,
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one, and prints it.")] = 8790,
    workers: Annotated[int, typer.Option(min=1, max=32, help="Processes; each has the library in memory.")] = 1,
    threads: Annotated[int, typer.Option(min=1, max=64, help="For work of a process that may wait.")] = 4,
    is_search_threaded: Annotated[
        bool, typer.Option("--search-in-threads", help="Also where everything is in this process: for comparison.")
    ] = False,
    rate: Annotated[float, typer.Option(min=0.1, help="Requests a second of one token, a process.")] = 1000.0,
    burst: Annotated[int, typer.Option(min=1, help="Requests of one token at once, a process.")] = 2000,
    failed_rate: Annotated[float, typer.Option(min=0.001, help="The same without a valid token, an address.")] = 0.2,
    failed_burst: Annotated[int, typer.Option(min=1, help="The same, at once.")] = 10,
    max_body_kib: Annotated[int, typer.Option(min=1, max=16_384, help="Largest body.")] = 1024,
    body_deadline: Annotated[float, typer.Option(min=0.1, help="Seconds in which a body must be complete.")] = 10.0,
    head_deadline: Annotated[float, typer.Option(min=0.1, help="The same for the head of a request.")] = 10.0,
    max_connections: Annotated[int, typer.Option(min=1, help="Connections at once, a process.")] = 512,
    is_access_logged: Annotated[
        bool, typer.Option("--access-log/--no-access-log", help="A line of JSON a request, on stderr.")
    ] = True,
    debug: DebugOption = False,
) -> int:
    """Answer requests until SIGTERM or Ctrl-C. See docs/service.md."""
    del debug
    if ctx.invoked_subcommand is not None:
        return EXIT_DONE
    from omniclaude_dagster.surfaces.api.config import KIB, ServiceConfig
    from omniclaude_dagster.surfaces.api.tokens import require_tokens

    require_tokens(_tokens())
    config = ServiceConfig(
        max_body_bytes=max_body_kib * KIB,
        body_deadline_s=body_deadline,
        head_deadline_s=head_deadline,
        max_connections=max_connections,
        threads=threads,
        is_search_threaded=is_search_threaded,
        token_rate_per_s=rate,
        token_burst=burst,
        failed_auth_per_s=failed_rate,
        failed_auth_burst=failed_burst,
        is_access_logged=is_access_logged,
    )
    # Only now: it takes a second to load.
    from omniclaude_dagster.surfaces.api import server

    address = server.listen(host, port)
    say(f"listening on {address.url}; stop with Ctrl-C")
    if not address.is_loopback:
        say(
            "warning: tokens and patterns go over the network as plain text: put a proxy with TLS in front, "
            "and let nobody reach this port but the proxy.",
            style="yellow",
        )
    server.serve(address, config, workers=workers)
    say("stopped")
    return EXIT_DONE


@token.command("add")
def add_token(
    name: Annotated[str, typer.Argument(help="Whose it is, for the log: A-Z a-z 0-9 _ . -")],
    *,
    scopes: Annotated[
        list[str], typer.Option("--scope", click_type=_SCOPES, help="What it opens; give it twice for both.")
    ],
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> int:
    """Make a token and show it, once. A running service knows it at once."""
    del debug
    from omniclaude_dagster.surfaces.api.tokens import SCOPES

    made = _tokens().add(name, scopes=[scope for scope in SCOPES if scope in scopes])
    if json_output:
        emit_json({**_shown(made.entry), "token": made.token})
    else:
        output().print(made.token, soft_wrap=True)
        say(f"keep it: it is not shown again. {name} may {' and '.join(made.entry.scopes)}.")
    return EXIT_DONE


@token.command("list")
def list_tokens(*, json_output: JsonOption = False, debug: DebugOption = False) -> int:
    """List the tokens, without the tokens themselves."""
    del debug
    entries = _tokens().entries()
    if json_output:
        for entry in entries:
            emit_json(_shown(entry))
    elif entries:
        from rich import box
        from rich.table import Table

        table = Table("name", "scopes", "made", "ends with", box=box.SIMPLE_HEAD, pad_edge=False)
        for entry in entries:
            table.add_row(plain(entry.name), ", ".join(entry.scopes), f"{entry.created_at:%Y-%m-%d %H:%M}", entry.last4)
        output().print(table)
    else:
        say("there are no tokens; make one with: omniclaude serve token add NAME --scope read --scope write")
    return EXIT_DONE


@token.command("revoke")
def revoke_token(
    name: Annotated[str, typer.Argument(help="As token list shows it.")],
    *,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> int:
    """Revoke a token. A running service refuses it from its next request on."""
    del debug
    removed = _tokens().revoke(name)
    if json_output:
        emit_json(_shown(removed))
    else:
        say(f"revoked {removed.name}")
    return EXIT_DONE


def _tokens() -> "TokenFile":
    from omniclaude_dagster.settings import load_settings
    from omniclaude_dagster.surfaces.api.tokens import TokenFile

    return TokenFile(load_settings().home_path)


def _shown(entry: "TokenEntry") -> dict[str, object]:
    return entry.model_dump(mode="json", exclude={"sha256"})
