"""Broken nodes that the gates are judged by: what is broken in each, and the one gate that should catch it."""
