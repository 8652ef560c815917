"""What the tables of the records are made of: column types that mean the same on SQLite and PostgreSQL, and rules."""

import uuid
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    ARRAY,
    JSON,
    REAL,
    BigInteger,
    CheckConstraint,
    Dialect,
    Double,
    ForeignKey,
    LargeBinary,
    String,
    Text,
    TypeDecorator,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, UUID
from sqlalchemy.orm import DeclarativeBase, MappedColumn, mapped_column
from sqlalchemy.types import DateTime, TypeEngine


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, stored in UTC: timestamptz on PostgreSQL, sortable text on SQLite."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The column type of the dialect."""
        return dialect.type_descriptor(TIMESTAMP(timezone=True) if dialect.name == "postgresql" else DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times: nobody could say later which clock they meant."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a time zone")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the base class names it
        """Aware, in UTC, from either database."""
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


class TextUuid(TypeDecorator[uuid.UUID]):
    """A UUID: native on PostgreSQL, its 36 readable characters on SQLite."""

    impl = String(36)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The column type of the dialect."""
        return dialect.type_descriptor(UUID(as_uuid=True) if dialect.name == "postgresql" else String(36))

    def process_bind_param(self, value: uuid.UUID | None, dialect: Dialect) -> Any:
        """Native or text."""
        return value if value is None or dialect.name == "postgresql" else str(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> uuid.UUID | None:  # noqa: ARG002 - the base class names it
        """Always a UUID."""
        return value if value is None or isinstance(value, uuid.UUID) else uuid.UUID(value)


class Vector(TypeDecorator[NDArray[np.float32]]):
    """Floats of 4 bytes: an array on PostgreSQL, which pgvector takes as a vector, little-endian bytes on SQLite."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The column type of the dialect."""
        return dialect.type_descriptor(ARRAY(REAL()) if dialect.name == "postgresql" else LargeBinary())

    def process_bind_param(self, value: NDArray[np.float32] | None, dialect: Dialect) -> Any:
        """A list of floats, or bytes."""
        if value is None:
            return None
        return value.tolist() if dialect.name == "postgresql" else value.astype("<f4").tobytes()

    def process_result_value(self, value: Any, dialect: Dialect) -> NDArray[np.float32] | None:  # noqa: ARG002 - the base class names it
        """One row, float32."""
        if value is None:
            return None
        return np.frombuffer(value, dtype="<f4") if isinstance(value, bytes) else np.asarray(value, dtype=np.float32)


# One row of a table by the names of its columns.
type Row = dict[str, Any]

JSON_DOCUMENT = JSON().with_variant(JSONB(), "postgresql")
COST_USD_SQL = "cost_nanousd / 1000000000.0"


class Base(DeclarativeBase):
    """Common type map."""

    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own contract: a class attribute
        str: Text(),
        int: BigInteger(),
        float: Double(),
        datetime: UtcDateTime(),
        uuid.UUID: TextUuid(),
        dict[str, Any]: JSON_DOCUMENT,
        list[Any]: JSON_DOCUMENT,
    }


def at_least_zero(*columns: str) -> list[CheckConstraint]:
    """None of the columns may be negative."""
    return [CheckConstraint(f"{column} >= 0", name=f"{column}_not_negative") for column in columns]


def share(column: str) -> CheckConstraint:
    """The column lies in [0, 1]."""
    return CheckConstraint(f"{column} >= 0 AND {column} <= 1", name=f"{column}_is_share")


def one_of(column: str, *values: str) -> CheckConstraint:
    """The column holds one of these words."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_is_known")


def generation_key() -> MappedColumn[uuid.UUID]:
    """The generation that a row belongs to."""
    return mapped_column(ForeignKey("generations.correlation_id", ondelete="CASCADE"), index=True)
