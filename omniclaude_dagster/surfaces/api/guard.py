"""Who may come in: bearer tokens, their scopes, and how often. Decided before a body is read."""

import ipaddress
import logging
import math
import re

from starlette.requests import Request

from omniclaude_dagster.errors import OmniClaudeError
from omniclaude_dagster.surfaces.api.config import ServiceConfig
from omniclaude_dagster.surfaces.api.problems import ProblemError, unavailable
from omniclaude_dagster.surfaces.api.rates import Buckets
from omniclaude_dagster.surfaces.api.tokens import TOKEN_PATTERN, Scope, TokenEntry, TokenFile

logger = logging.getLogger(__name__)

REALM = 'Bearer realm="omniclaude"'
# Where the name of the token that was let in stands in an ASGI scope.
CALLER = "omniclaude.caller"
_BEARER = re.compile(r"\Abearer +(\S+)\Z", re.IGNORECASE)
_IPV6_CUSTOMER_BITS = 64


class Guard:
    """Lets requests in. One a process; its buckets belong to that process."""

    def __init__(self, tokens: TokenFile, config: ServiceConfig) -> None:
        self._tokens = tokens
        self._by_token = Buckets(rate_per_s=config.token_rate_per_s, burst=config.token_burst)
        self._failures = Buckets(rate_per_s=config.failed_auth_per_s, burst=config.failed_auth_burst)
        self._said = ""

    def admit(self, request: Request, scope: Scope) -> str:
        """The name of the token. Raises ProblemError 401, 403, 429, and 503 while the token file is unusable."""
        entry = self._entry(request)
        if entry is None:
            wait_s = self._failures.take(address_of(request))
            if wait_s:
                raise _too_many("too many requests without a valid token from this address", wait_s)
            raise ProblemError("unauthorized", "a valid bearer token is needed.", headers={"WWW-Authenticate": REALM})
        if scope not in entry.scopes:
            challenge = f'{REALM}, error="insufficient_scope", scope="{scope}"'
            raise ProblemError(
                "missing-scope", f"this needs the scope {scope!r}.", headers={"WWW-Authenticate": challenge}
            )
        wait_s = self._by_token.take(entry.sha256)
        if wait_s:
            raise _too_many("too many requests with this token", wait_s)
        return entry.name

    def _entry(self, request: Request) -> TokenEntry | None:
        given = request.headers.getlist("authorization")
        match = _BEARER.match(given[0]) if len(given) == 1 else None
        if match is None or not TOKEN_PATTERN.match(match[1]):
            return None
        try:
            entry = self._tokens.find(match[1])
        except OmniClaudeError as exc:
            self._say(str(exc))
            raise unavailable("tokens cannot be checked now") from None
        self._said = ""
        return entry

    def _say(self, text: str) -> None:
        """Once, not for every request that comes meanwhile."""
        if text != self._said:
            logger.error("%s", text)
        self._said = text


def address_of(request: Request) -> str:
    """The client's address; of IPv6 the part that one customer gets. Headers of proxies are not believed."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.version == 4:
        return host
    return str(ipaddress.ip_network((address, _IPV6_CUSTOMER_BITS), strict=False))


def _too_many(detail: str, wait_s: float) -> ProblemError:
    return ProblemError("too-many-requests", f"{detail}.", headers={"Retry-After": str(math.ceil(wait_s))})
