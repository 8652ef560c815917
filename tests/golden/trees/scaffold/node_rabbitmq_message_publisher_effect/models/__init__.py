"""Models of NodeRabbitMQMessagePublisherEffect."""

from .model_rabbitmq_message_publisher_config import ModelRabbitMQMessagePublisherConfig
from .model_rabbitmq_message_publisher_input import ModelRabbitMQMessagePublisherInput
from .model_rabbitmq_message_publisher_output import ModelRabbitMQMessagePublisherOutput

__all__ = [
    "ModelRabbitMQMessagePublisherConfig",
    "ModelRabbitMQMessagePublisherInput",
    "ModelRabbitMQMessagePublisherOutput",
]
