"""Operations of WelcomeMailSender."""

from enum import StrEnum


class EnumWelcomeMailSenderOperation(StrEnum):
    """Operations of WelcomeMailSender."""

    SEND = "send"
