"""RabbitMQ message publishing."""

from .node import NodeRabbitMQMessagePublisherEffect

__all__ = ["NodeRabbitMQMessagePublisherEffect"]
