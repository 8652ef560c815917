"""Tests of NodeRedisCacheEffect."""
