"""Enumerations of NodeWelcomeMailSenderEffect."""

from .enum_welcome_mail_sender_operation import EnumWelcomeMailSenderOperation

__all__ = [
    "EnumWelcomeMailSenderOperation",
]
