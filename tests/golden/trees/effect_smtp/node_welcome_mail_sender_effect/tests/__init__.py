"""Tests of NodeWelcomeMailSenderEffect."""
