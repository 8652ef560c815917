# Generated from request test-request by omniclaude 0.1.0, omnibase-core 0.47.57.
"""Business logic of NodeWelcomeMailSenderEffect: one mail, handed over to an SMTP server once.

Until the server has all of a mail nothing is sent, so that everything before may be tried again. A connection that
ends after that is not: nobody knows then whether the mail is on its way.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError

from .models import ModelWelcomeMailSenderConfig, ModelWelcomeMailSenderInput, ModelWelcomeMailSenderOutput

if TYPE_CHECKING:
    from aiosmtplib import SMTP

_PASSING = frozenset(
    {EnumCoreErrorCode.NETWORK_ERROR, EnumCoreErrorCode.TIMEOUT_ERROR, EnumCoreErrorCode.SERVICE_UNAVAILABLE}
)
# How long a session may take to end; its mail has been handed over by then, or never will be.
_GOODBYE_S = 1.0
# One address as SMTP takes it: no names, no comments, nothing that could start another header or command.
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?", re.ASCII)


class ProtocolSession(Protocol):
    """An open mail session; tests put their own in its place."""

    async def announce(self, sender: str, recipients: list[str]) -> dict[str, str]:
        """Name sender and recipients; gives the refused recipients with the server's words."""
        ...

    async def transfer(self, message: bytes) -> None:
        """Hand the mail over."""
        ...

    async def close(self) -> None:
        """End the session."""
        ...


OpenSession = Callable[[ModelWelcomeMailSenderConfig], Awaitable[ProtocolSession]]


class SmtpSession:
    """A session on a real server."""

    def __init__(self, client: SMTP) -> None:
        self._client = client

    async def announce(self, sender: str, recipients: list[str]) -> dict[str, str]:
        """Name sender and recipients; a mail that nobody may get is a failure."""
        from aiosmtplib import SMTPRecipientRefused

        refused: dict[str, str] = {}
        is_passing = False
        with _translated():
            await self._client.mail(sender)
            for recipient in recipients:
                try:
                    await self._client.rcpt(recipient)
                except SMTPRecipientRefused as exc:
                    refused[recipient] = f"{exc.code} {exc.message}"
                    is_passing = is_passing or 400 <= exc.code < 500
        if len(refused) == len(recipients):
            code = EnumCoreErrorCode.SERVICE_UNAVAILABLE if is_passing else EnumCoreErrorCode.OPERATION_FAILED
            raise _failed(f"the server took the mail for nobody: {refused}", code)
        return refused

    async def transfer(self, message: bytes) -> None:
        """Hand the mail over; when the connection ends meanwhile, it is not known whether the server has it."""
        from aiosmtplib import SMTPServerDisconnected, SMTPTimeoutError

        try:
            with _translated():
                await self._client.data(message)
        except ModelOnexError as exc:
            if isinstance(exc.__cause__, SMTPServerDisconnected | SMTPTimeoutError):
                raise _failed(
                    "the connection ended while the mail was handed over, so that it may have been sent; "
                    "when you send it again, do it with the same idempotency_key",
                    EnumCoreErrorCode.OPERATION_FAILED,
                ) from exc
            raise

    async def close(self) -> None:
        """Say goodbye, as far as the server still listens."""
        from aiosmtplib import SMTPException

        transport = self._client.transport
        with suppress(SMTPException):
            await self._client.quit(timeout=_GOODBYE_S)
        _drop(self._client, transport)


async def open_session(config: ModelWelcomeMailSenderConfig) -> ProtocolSession:
    """Connect, secure the connection and sign in."""
    try:
        import aiosmtplib
    except ImportError as exc:
        raise _failed(
            "aiosmtplib is not installed; run: pip install 'aiosmtplib>=5,<6'",
            EnumCoreErrorCode.DEPENDENCY_UNAVAILABLE,
        ) from exc
    client = aiosmtplib.SMTP(
        hostname=config.host,
        port=config.effective_port,
        timeout=config.timeout_s,
        use_tls=config.security == "tls",
        start_tls=config.security == "starttls",
        tls_context=_tls_context(config),
    )
    try:
        with _translated():
            await client.connect()
            if config.username and config.password is not None:
                await client.login(config.username, config.password.get_secret_value())
    except BaseException:
        _drop(client, client.transport)
        raise
    return SmtpSession(client)


def _drop(client: SMTP, transport: asyncio.BaseTransport | None) -> None:
    """Close at once: a server may keep the end of a TLS connection waiting for ever."""
    client.close()
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()


def _tls_context(config: ModelWelcomeMailSenderConfig) -> ssl.SSLContext | None:
    if config.security == "none":
        return None
    try:
        return ssl.create_default_context(cafile=config.ca_file)
    except OSError as exc:
        raise _failed("SMTP_CA_FILE cannot be read", EnumCoreErrorCode.CONFIGURATION_ERROR) from exc


async def perform(
    request: ModelWelcomeMailSenderInput,
    config: ModelWelcomeMailSenderConfig,
    *,
    open_session: OpenSession = open_session,
) -> ModelWelcomeMailSenderOutput:
    """Send the mail; raises ModelOnexError when no recipient's server has taken it in time."""
    mail = build_mail(request, config)
    message = mail.as_bytes(policy=SMTP_POLICY.clone(cte_type="7bit"))
    if len(message) > config.max_message_bytes:
        raise _failed(f"the mail is larger than {config.max_message_bytes} bytes", EnumCoreErrorCode.VALIDATION_ERROR)
    recipients = list(dict.fromkeys([*request.to, *request.cc]))

    async def send() -> dict[str, str]:
        session = await open_session(config)
        try:
            refused = await session.announce(config.sender, recipients)
            await session.transfer(message)
        finally:
            await session.close()
        return refused

    try:
        async with asyncio.timeout(config.deadline_s):
            refused, attempts = await _repeated(send, config)
    except TimeoutError as exc:
        raise _failed(
            f"the mail was not handed over within {config.deadline_s} s", EnumCoreErrorCode.TIMEOUT_ERROR
        ) from exc
    return ModelWelcomeMailSenderOutput(
        message_id=mail["Message-ID"],
        accepted=[recipient for recipient in recipients if recipient not in refused],
        refused=refused,
        attempts=attempts,
    )


def build_mail(request: ModelWelcomeMailSenderInput, config: ModelWelcomeMailSenderConfig) -> EmailMessage:
    """The mail itself. Raises ModelOnexError for an address that is none."""
    for address in (config.sender, *request.to, *request.cc, *([request.reply_to] if request.reply_to else [])):
        if not _ADDRESS.fullmatch(address):
            raise _failed(f"{address!r} is not a mail address", EnumCoreErrorCode.VALIDATION_ERROR)
    mail = EmailMessage()
    mail["From"] = config.sender
    mail["To"] = ", ".join(request.to)
    if request.cc:
        mail["Cc"] = ", ".join(request.cc)
    if request.reply_to:
        mail["Reply-To"] = request.reply_to
    mail["Subject"] = request.subject
    mail["Date"] = datetime.now(UTC)
    # The same key gives the same id, by which mail programs know a mail that came twice.
    unique = sha256(request.idempotency_key.encode()).hexdigest()[:32] if request.idempotency_key else uuid4().hex
    mail["Message-ID"] = f"<{unique}@{config.sender.rpartition('@')[2]}>"
    mail.set_content(request.text)
    if request.html:
        mail.add_alternative(request.html, subtype="html")
    return mail


async def _repeated[Result](
    call: Callable[[], Awaitable[Result]], config: ModelWelcomeMailSenderConfig
) -> tuple[Result, int]:
    """The result and the attempts it took; only failures that can pass are tried again, after growing pauses."""
    attempt = 1
    while True:
        try:
            return await call(), attempt
        except ModelOnexError as exc:
            if exc.error_code not in _PASSING:
                raise
            if attempt == config.max_attempts:
                raise ModelOnexError(
                    message=f"{exc.message} (tried {attempt} times)", error_code=exc.error_code
                ) from exc
        await asyncio.sleep(config.retry_pause_s * 2 ** (attempt - 1))
        attempt += 1


@contextmanager
def _translated() -> Iterator[None]:
    """Turn what aiosmtplib raises into ModelOnexError; the password is in none of its messages."""
    import aiosmtplib

    try:
        yield
    except aiosmtplib.SMTPAuthenticationError as exc:
        raise _failed(
            f"the server refused the credentials ({exc.code}); check SMTP_USERNAME and SMTP_PASSWORD",
            EnumCoreErrorCode.AUTHENTICATION_ERROR,
        ) from exc
    except aiosmtplib.SMTPResponseException as exc:
        is_passing = 400 <= exc.code < 500
        code = EnumCoreErrorCode.SERVICE_UNAVAILABLE if is_passing else EnumCoreErrorCode.OPERATION_FAILED
        raise _failed(f"the server answered {exc.code} {exc.message}", code) from exc
    except aiosmtplib.SMTPTimeoutError as exc:
        raise _failed("the server did not answer in time", EnumCoreErrorCode.TIMEOUT_ERROR) from exc
    except ssl.SSLCertVerificationError as exc:
        raise _untrusted(exc) from exc
    except (aiosmtplib.SMTPConnectError, aiosmtplib.SMTPServerDisconnected) as exc:
        if isinstance(exc.__cause__, ssl.SSLCertVerificationError):
            raise _untrusted(exc.__cause__) from exc
        raise _failed("the server cannot be reached; check SMTP_HOST and SMTP_PORT",
                      EnumCoreErrorCode.NETWORK_ERROR) from exc  # fmt: skip
    except aiosmtplib.SMTPException as exc:
        raise _failed(f"the session cannot be opened: {exc}", EnumCoreErrorCode.CONFIGURATION_ERROR) from exc


def _untrusted(exc: ssl.SSLCertVerificationError) -> ModelOnexError:
    return _failed(
        f"the server's certificate is not trusted ({exc.verify_message}); check SMTP_HOST or set SMTP_CA_FILE",
        EnumCoreErrorCode.SECURITY_VIOLATION,
    )


def _failed(message: str, code: EnumCoreErrorCode) -> ModelOnexError:
    return ModelOnexError(message=message, error_code=code)
