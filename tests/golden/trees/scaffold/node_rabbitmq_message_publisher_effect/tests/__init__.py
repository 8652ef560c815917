"""Tests of NodeRabbitMQMessagePublisherEffect."""
