"""Which external systems a prompt names, by their canonical names (`PostgreSQL`, `HTTP API`, ...)."""

from omniclaude_dagster.request.understanding.lexicon import camel_parts, is_name_like, system_of, system_phrases
from omniclaude_dagster.request.understanding.text import Text, Token

# Words that mean something else when a certain word follows or precedes.
_NOT_BEFORE = {"rest": frozenset({"of", "in", "is", "are"}), "disk": frozenset(), "api": frozenset({"key", "keys"})}
_NOT_AFTER = {"rest": frozenset({"the", "to", "at"}), "file": frozenset({"to"}), "folder": frozenset({"account"})}
# Stores whose contents people call files, too: `uploads files to S3` names no disk.
_KEEPS_FILES = frozenset({"S3", "GCS", "SFTP"})
# What carries mail itself: a provider's API is asked for mail by HTTP, a queue holds it for another node.
_CARRIES_MAIL = frozenset({"SMTP", "HTTP API", "Kafka", "RabbitMQ", "NATS", "MQTT", "IMAP"})
_MAIL_NOUNS = frozenset({"mail", "mails", "email", "emails"})
_SENDING = frozenset({"send", "deliver", "dispatch"})
_FILE_NOUNS = frozenset({"file", "files"})
_FILE_SUFFIXES = (".csv", ".json", ".jsonl", ".txt", ".log", ".xml", ".yaml", ".parquet", ".pdf", ".xlsx")


def external_systems(text: Text) -> tuple[str, ...]:
    """The systems in the order of their first mention; also those inside an identifier (`PostgresCRUD`)."""
    found: dict[str, None] = {}
    phrases = system_phrases()
    tokens = text.tokens
    for index, token in enumerate(tokens):
        pair = f"{token.lower} {tokens[index + 1].lower}" if index + 1 < len(tokens) else ""
        name = phrases.get(pair) or _system_of_token(token)
        if name is not None and not _means_something_else(tokens, index):
            found.setdefault(name)
    if _KEEPS_FILES.intersection(found) and not any(_names_a_disk(token) for token in tokens):
        found.pop("Files", None)
    return tuple(found)


def implied_systems(named: tuple[str, ...], doing: tuple[str, ...]) -> tuple[str, ...]:
    """The named systems, and the one that what an EFFECT node does implies: mail goes out over SMTP."""
    is_named = _CARRIES_MAIL.intersection(named)
    return named if is_named or not any(_sends_mail(phrase) for phrase in doing) else (*named, "SMTP")


def _sends_mail(operation: str) -> bool:
    verb, _, rest = operation.partition("_")
    return verb in _MAIL_NOUNS or (verb in _SENDING and bool(_MAIL_NOUNS.intersection(rest.split("_"))))


def _names_a_disk(token: Token) -> bool:
    """Whether a token means files of this machine, not just what is kept somewhere."""
    is_noun = token.lower in _FILE_NOUNS or token.lower.endswith(_FILE_SUFFIXES)
    return not is_noun and _system_of_token(token) == "Files"


def _system_of_token(token: Token) -> str | None:
    lower = token.lower
    if lower.startswith(("http://", "https://")):
        return "HTTP API"
    if not token.is_word:
        return "Files" if token.text.startswith("/") and len(token.text) > 1 else None
    if lower.endswith(_FILE_SUFFIXES):
        return "Files"
    name = system_of(lower)
    if name is not None:
        return name
    if is_name_like(token.text):
        parts = camel_parts(token.text)
        return next((s for s in map(system_of, parts) if s is not None and s != "Files"), None)
    if "-" in lower or "_" in lower:
        parts = lower.replace("_", "-").split("-")
        return next((s for s in map(system_of, parts) if s is not None and s not in {"Files", "HTTP API"}), None)
    return None


def _means_something_else(tokens: tuple[Token, ...], index: int) -> bool:
    lower = tokens[index].lower
    following = tokens[index + 1].lower if index + 1 < len(tokens) else ""
    previous = tokens[index - 1].lower if index else ""
    if lower == "rest" and tokens[index].text != "REST":
        return following in _NOT_BEFORE["rest"] or previous in _NOT_AFTER["rest"]
    return following in _NOT_BEFORE.get(lower, ()) or (lower != "rest" and previous in _NOT_AFTER.get(lower, ()))
