"""Test doubles of NodeWelcomeMailSenderEffect: what stands in for the outside while it is tested."""

from __future__ import annotations

from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default

from pydantic import SecretStr

from ..logic import ProtocolSession
from ..models import ModelWelcomeMailSenderConfig
from ..node import NodeWelcomeMailSenderEffect


class MemorySession:
    """Keeps the mails it is given; the first sessions can be made to fail with `failures`."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], bytes]] = []
        self.failures: list[Exception] = []
        self.unknown: set[str] = set()
        self.opened = 0
        self.closed = 0
        self._recipients: list[str] = []

    async def announce(self, sender: str, recipients: list[str]) -> dict[str, str]:
        """Take the recipients, without the unknown ones."""
        if self.failures:
            raise self.failures.pop(0)
        self._recipients = [recipient for recipient in recipients if recipient not in self.unknown]
        return dict.fromkeys(self.unknown.intersection(recipients), "550 no such user")

    async def transfer(self, message: bytes) -> None:
        """Keep the mail."""
        self.mails.append((self._recipients, message))

    async def close(self) -> None:
        """Record that the session was closed."""
        self.closed += 1


def parsed(message: bytes) -> EmailMessage:
    """The mail as its reader sees it."""
    return BytesParser(EmailMessage, policy=default).parsebytes(message)


def prepare(node: NodeWelcomeMailSenderEffect) -> MemorySession:
    """Put a session in memory in the place of a mail server."""
    session = MemorySession()

    async def open_memory(config: ModelWelcomeMailSenderConfig) -> ProtocolSession:
        session.opened += 1
        return session

    node.config = ModelWelcomeMailSenderConfig(
        host="mail.invalid",
        sender="node@example.org",
        username="node",
        password=SecretStr("none"),
        retry_pause_s=0,
        max_message_bytes=5000,
    )
    node.open_session = open_memory
    return session
