"""Models of NodeWelcomeMailSenderEffect."""

from .model_welcome_mail_sender_config import ModelWelcomeMailSenderConfig
from .model_welcome_mail_sender_input import ModelWelcomeMailSenderInput
from .model_welcome_mail_sender_output import ModelWelcomeMailSenderOutput

__all__ = [
    "ModelWelcomeMailSenderConfig",
    "ModelWelcomeMailSenderInput",
    "ModelWelcomeMailSenderOutput",
]
