"""Checks of values that a type alone cannot express."""

from pydantic_core import to_json


def unique_items[T](items: list[T]) -> list[T]:
    """The list itself; ValueError when two of its items are equal."""
    written = [to_json(item, by_alias=True) for item in items]
    if len(set(written)) != len(written):
        raise ValueError("items must be unique")
    return items
