"""Every failure the platform raises on purpose, with its cause, its cure and whether a retry can help.

    OmniClaudeError
    ├── RequestError            the request is wrong                          exit 2
    │   └── ConflictError       it contradicts another request or a target    exit 2
    ├── ConfigurationError      a setting is wrong or missing                 exit 2
    ├── UnsafePathError         a name or path would leave its folder         exit 2
    ├── GateBlockedError        a blocking gate failed                        exit 1
    └── OutsideError            something that is not ours failed             exit 3
        ├── TransientError      a retry can help
        │   ├── RecordsUnavailableError
        │   ├── EmbeddingUnavailableError
        │   └── IndexUnavailableError
        └── PermanentError      a retry cannot help
            ├── SandboxUnavailableError
            └── StorageError    disk full, read-only, vanished

Provider failures live beside the providers (`providers/errors.py`) and derive from the last two.
Outcomes that callers branch on (a blocked node, a failed gate) are return values, not exceptions.
"""


class OmniClaudeError(Exception):
    """A failure with a cause (`message`) and, where there is one, a `cure` that a person can carry out."""

    exit_code = 3
    is_retryable = False

    def __init__(self, message: str, *, cure: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure

    def __str__(self) -> str:
        return f"{self.message} Cure: {self.cure}" if self.cure else self.message


class RequestError(OmniClaudeError):
    """The request cannot be accepted as it stands."""

    exit_code = 2


class ConflictError(RequestError):
    """The request contradicts one that is under way, or a target that is not ours to replace."""


class ConfigurationError(OmniClaudeError):
    """A setting, catalog entry or command line is wrong."""

    exit_code = 2


class UnsafePathError(OmniClaudeError):
    """A name or path would escape the folder it belongs to, or passes through a symbolic link."""

    exit_code = 2


class GateBlockedError(OmniClaudeError):
    """Something was to be published without a passing gate report."""

    exit_code = 1


class OutsideError(OmniClaudeError):
    """A part that is not ours (model, database, disk, kernel) failed."""


class TransientError(OutsideError):
    """A retry can help."""

    is_retryable = True


class PermanentError(OutsideError):
    """A retry cannot help."""


class RecordsUnavailableError(TransientError):
    """The records' database does not answer."""


class EmbeddingUnavailableError(TransientError):
    """Texts cannot be embedded now: the model's host does not answer, or its files are broken."""


class IndexUnavailableError(TransientError):
    """The vector index of the pattern library does not answer; the patterns themselves are in the records."""


class SandboxUnavailableError(PermanentError):
    """Untrusted code cannot be contained here, so it is not executed."""


class StorageError(PermanentError):
    """The disk is full, read-only or gone."""
