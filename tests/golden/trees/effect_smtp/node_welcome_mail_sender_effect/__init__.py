"""Sends welcome mails over SMTP."""

from .node import NodeWelcomeMailSenderEffect

__all__ = ["NodeWelcomeMailSenderEffect"]
