"""Generated SMTP nodes send mails through a real SMTP server (aiosmtpd), over TLS, and never one mail twice."""

import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, Session
from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode as Code

from tests.support.certificates import self_signed
from tests.support.effect_calls import perform, refused
from tests.support.generated_nodes import ImportedNode, imported_node
from tests.support.tcp_faults import FaultyTcp

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("smtp-server")]

SENDER = "sends welcome mails over SMTP"
PASSWORD = "c0rrect-h0rse"
WRONG = "wr0ng-s3cret"
MAIL = {
    "to": ["ada@example.org"],
    "subject": "Grüße",
    "text": "Hello Ada.\n.\nA line with a dot.",
    "idempotency_key": "k",
}
Made = Callable[[str], AbstractContextManager[ImportedNode]]


class Mailbox:
    """Keeps what arrives. Unknown recipients are refused; the first mails are put off `put_off` times."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], EmailMessage]] = []
        self.put_off = 0
        self.logins = 0

    async def handle_RCPT(self, server: Any, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        if address.startswith("nobody"):
            return "550 5.1.1 no such user"
        if address.startswith("full"):
            return "452 4.2.2 mailbox full"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        if self.put_off:
            self.put_off -= 1
            return "451 4.3.0 try again later"
        content = envelope.content
        assert isinstance(content, bytes)
        mail = BytesParser(EmailMessage, policy=default).parsebytes(content)
        self.mails.append((list(envelope.rcpt_tos), mail))
        return "250 OK"

    def authenticate(self, server: Any, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        self.logins += 1
        is_known = (data.login, data.password) == (b"node", PASSWORD.encode())
        return AuthResult(success=is_known, handled=is_known)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return self_signed(tmp_path_factory.mktemp("certificate"))


@contextmanager
def running(mailbox: Mailbox, **options: Any) -> Iterator[int]:
    """Port of a server that is ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, server_hostname="mail.test", **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def server(mailbox: Mailbox, tls: Any) -> Iterator[int]:
    """A server that insists on STARTTLS and a login."""
    context, _ = tls
    with running(
        mailbox,
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=mailbox.authenticate,
    ) as port:
        yield port


@pytest.fixture
def node(tmp_path: Path) -> Made:
    return lambda prompt: imported_node(tmp_path, prompt)


@pytest.fixture
def settings(tls: Any) -> Callable[..., dict[str, Any]]:
    def made(port: int, **changes: Any) -> dict[str, Any]:
        values = {
            "host": "127.0.0.1",
            "port": port,
            "sender": "node@example.org",
            "username": "node",
            "password": PASSWORD,
            "ca_file": tls[1],
            "retry_pause_s": 0,
            "timeout_s": 5,
        }
        return {**values, **changes}

    return made


def plain(port: int, **changes: Any) -> dict[str, Any]:
    """Settings for a server without TLS and accounts."""
    values = {"host": "127.0.0.1", "port": port, "sender": "node@example.org", "security": "none", "retry_pause_s": 0}
    return {**values, "timeout_s": 5, **changes}


def test_a_mail_arrives_over_starttls_with_a_login(node: Made, server: int, settings: Any, mailbox: Mailbox) -> None:
    with node(SENDER) as imported:
        result = perform(imported, settings(server), {**MAIL, "html": "<p>Hello</p>", "cc": ["bob@example.org"]})
    ((recipients, mail),) = mailbox.mails
    assert recipients == ["ada@example.org", "bob@example.org"]
    assert (mail["Subject"], mail["From"], mail["To"]) == ("Grüße", "node@example.org", "ada@example.org")
    body = mail.get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == MAIL["text"] + "\n"
    assert mail["Message-ID"] == result["message_id"]
    assert (result["accepted"], result["refused"], result["attempts"]) == (recipients, {}, 1)


def test_a_mail_arrives_over_implicit_tls(node: Made, settings: Any, mailbox: Mailbox, tls: Any) -> None:
    context, _ = tls
    with running(mailbox, ssl_context=context) as port, node(SENDER) as imported:
        perform(imported, settings(port, security="tls", username=None, password=None), MAIL)
    assert len(mailbox.mails) == 1


def test_a_certificate_nobody_vouches_for_is_refused(node: Made, server: int, settings: Any, mailbox: Mailbox) -> None:
    with node(SENDER) as imported:
        said = refused(imported, settings(server, ca_file=None), MAIL, Code.SECURITY_VIOLATION, secret=PASSWORD)
    assert "SMTP_CA_FILE" in said
    assert (mailbox.mails, mailbox.logins) == ([], 0)


def test_a_server_without_tls_gets_neither_mail_nor_password(node: Made, settings: Any, mailbox: Mailbox) -> None:
    with running(mailbox) as port, node(SENDER) as imported:
        said = refused(imported, settings(port), MAIL, Code.CONFIGURATION_ERROR, secret=PASSWORD)
        assert "STARTTLS" in said
        with pytest.raises(ValueError, match="only sent over an encrypted connection"):
            perform(imported, settings(port, security="none"), MAIL)
    assert mailbox.mails == []


def test_wrong_credentials_are_refused_once(node: Made, server: int, settings: Any, mailbox: Mailbox) -> None:
    with FaultyTcp(server) as proxy, node(SENDER) as imported:
        said = refused(imported, settings(proxy.port, password=WRONG), MAIL, Code.AUTHENTICATION_ERROR, secret=WRONG)
        assert proxy.connection_count == 1
    assert "SMTP_PASSWORD" in said
    assert mailbox.mails == []


def test_a_refused_recipient_is_reported_and_the_others_get_the_mail(node: Made, mailbox: Mailbox) -> None:
    with running(mailbox) as port, node(SENDER) as imported:
        result = perform(imported, plain(port), {**MAIL, "to": ["ada@example.org", "nobody@example.org"]})
        said = refused(imported, plain(port), {**MAIL, "to": ["nobody@example.org"]}, Code.OPERATION_FAILED)
        full = refused(imported, plain(port), {**MAIL, "to": ["full@example.org"]}, Code.SERVICE_UNAVAILABLE)
    assert result["accepted"] == ["ada@example.org"]
    assert result["refused"] == {"nobody@example.org": "550 5.1.1 no such user"}
    assert [recipients for recipients, _ in mailbox.mails] == [["ada@example.org"]]
    assert "no such user" in said
    assert "tried 3 times" in full


def test_a_server_that_puts_the_mail_off_is_asked_again(node: Made, mailbox: Mailbox) -> None:
    mailbox.put_off = 2
    with running(mailbox) as port, node(SENDER) as imported:
        result = perform(imported, plain(port), MAIL)
    assert result["attempts"] == 3
    assert len(mailbox.mails) == 1


def test_a_session_that_is_cut_before_the_mail_is_opened_again(node: Made, mailbox: Mailbox) -> None:
    with running(mailbox) as port, node(SENDER) as imported:
        with FaultyTcp(port, mode="cut", on=b"RCPT TO", first_connections=1) as proxy:
            result = perform(imported, plain(proxy.port), MAIL)
            assert proxy.cut_count == 1
        with FaultyTcp(port, mode="cut", first_connections=1) as proxy:
            perform(imported, plain(proxy.port), MAIL)
    assert result["attempts"] == 2
    assert len(mailbox.mails) == 2


def test_a_mail_whose_receipt_was_lost_is_not_sent_again(node: Made, mailbox: Mailbox) -> None:
    with (
        running(mailbox) as port,
        node(SENDER) as imported,
        FaultyTcp(port, mode="cut", on=b"\r\n.\r\n", first_connections=1) as proxy,
    ):
        said = refused(imported, plain(proxy.port), MAIL, Code.OPERATION_FAILED)
        assert proxy.connection_count == 1
        assert "same idempotency_key" in said
        again = perform(imported, plain(port), MAIL)
    assert {mail["Message-ID"] for _, mail in mailbox.mails} == {again["message_id"]}


def test_a_server_that_is_away_is_a_network_error_after_bounded_attempts(node: Made, settings: Any) -> None:
    with FaultyTcp(mode="refuse") as away, node(SENDER) as imported:
        said = refused(imported, settings(away.port), MAIL, Code.NETWORK_ERROR, secret=PASSWORD)
    assert "tried 3 times" in said
    assert "SMTP_HOST" in said


def test_a_server_that_never_answers_is_a_timeout(node: Made) -> None:
    with FaultyTcp(mode="silent") as silent, node(SENDER) as imported:
        refused(imported, plain(silent.port, timeout_s=0.2, max_attempts=2), MAIL, Code.TIMEOUT_ERROR)
        assert silent.connection_count == 2
        said = refused(imported, plain(silent.port, deadline_s=0.3), MAIL, Code.TIMEOUT_ERROR)
    assert "within 0.3 s" in said


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "Hi\r\nBcc: eve@example.org"},
        {"to": ["ada@example.org>\r\nRCPT TO:<eve@example.org"]},
        {"cc": ["ada@example.org\nBcc: eve@example.org"]},
        {"reply_to": "Eve <eve@example.org>"},
    ],
)
def test_nothing_can_be_smuggled_into_a_mail(changes: dict[str, Any], node: Made, mailbox: Mailbox) -> None:
    with running(mailbox) as port, node(SENDER) as imported:
        refused(imported, plain(port), {**MAIL, **changes}, Code.VALIDATION_ERROR)
    assert mailbox.mails == []


def test_settings_come_from_the_environment(node: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    with node(SENDER) as imported:
        config = imported.model("Config")
        for name in ("SMTP_HOST", "SMTP_SENDER", "SMTP_SECURITY"):
            monkeypatch.delenv(name, raising=False)
        with pytest.raises(Exception, match="SMTP_HOST, SMTP_SENDER is not set"):
            config.from_environment()
        monkeypatch.setenv("SMTP_HOST", "mail.example.org")
        monkeypatch.setenv("SMTP_SENDER", "node@example.org")
        assert config.from_environment().effective_port == 587
        monkeypatch.setenv("SMTP_SECURITY", "none")
        monkeypatch.setenv("SMTP_PASSWORD", PASSWORD)
        with pytest.raises(Exception, match="SMTP_SECURITY") as failure:
            config.from_environment()
    assert PASSWORD not in str(failure.value)


def test_a_client_that_is_not_installed_is_named_with_its_cure(node: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiosmtplib", None)
    with node(SENDER) as imported:
        said = refused(imported, plain(1), MAIL, Code.DEPENDENCY_UNAVAILABLE)
    assert "pip install 'aiosmtplib" in said
