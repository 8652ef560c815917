# Generated from request test-request by omniclaude 0.1.0, omnibase-core 0.47.57.
"""Business logic of NodeInvoiceStoreEffect: objects of one S3 bucket.

The server is AWS or another that speaks its protocol. Each operation gives the same bucket when it is done twice, so
that failures that can pass are tried again.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError

from .enums import EnumInvoiceStoreOperation
from .models import ModelInvoiceStoreConfig, ModelInvoiceStoreInput, ModelInvoiceStoreOutput

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import PutObjectRequestTypeDef

_PASSING = frozenset(
    {EnumCoreErrorCode.NETWORK_ERROR, EnumCoreErrorCode.TIMEOUT_ERROR, EnumCoreErrorCode.SERVICE_UNAVAILABLE}
)


@dataclass(frozen=True)
class StoredObject:
    """What the server says of one object."""

    size_bytes: int
    etag: str
    sha256: str
    content_type: str = ""
    content: bytes = b""


class ProtocolBucket(Protocol):
    """One bucket. Its calls block, so they are made in a thread; tests put their own in its place."""

    def put(self, key: str, content: bytes, content_type: str, *, only_if_absent: bool) -> StoredObject:
        """Store an object, whole or not at all."""
        ...

    def get(self, key: str) -> StoredObject:
        """Read an object with its content."""
        ...

    def head(self, key: str) -> StoredObject:
        """Describe an object."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no failure."""
        ...

    def list_keys(self, prefix: str, start_after: str, limit: int) -> tuple[list[str], bool]:
        """Names in order, and whether there are more."""
        ...

    def presign(self, key: str, expires_s: int) -> str:
        """An address under which anybody can read the object for a while."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


OpenBucket = Callable[[ModelInvoiceStoreConfig], Awaitable[ProtocolBucket]]


class S3Bucket:
    """A bucket on a server."""

    def __init__(self, client: S3Client, config: ModelInvoiceStoreConfig) -> None:
        self._client = client
        self._name = config.bucket
        self._max_bytes = config.max_bytes

    def put(self, key: str, content: bytes, content_type: str, *, only_if_absent: bool) -> StoredObject:
        """Store an object with its hash beside it."""
        digest = sha256(content).hexdigest()
        request: PutObjectRequestTypeDef = {
            "Bucket": self._name,
            "Key": key,
            "Body": content,
            "ContentType": content_type,
            "Metadata": {"sha256": digest},
        }
        if only_if_absent:
            request["IfNoneMatch"] = "*"
        with _translated(key):
            answer = self._client.put_object(**request)
        return StoredObject(len(content), answer["ETag"].strip('"'), digest, content_type)

    def get(self, key: str) -> StoredObject:
        """Read an object; one above the limit is refused before it is read."""
        with _translated(key):
            answer = self._client.get_object(Bucket=self._name, Key=key)
            with answer["Body"] as body:
                if answer["ContentLength"] > self._max_bytes:
                    raise _failed(
                        f"{key} has {answer['ContentLength']} bytes; at most {self._max_bytes} are read",
                        EnumCoreErrorCode.RESOURCE_ERROR,
                    )
                content = body.read()
        return StoredObject(
            len(content), answer["ETag"].strip('"'), sha256(content).hexdigest(), answer.get("ContentType", ""), content
        )

    def head(self, key: str) -> StoredObject:
        """Describe an object; its hash is known when a node like this one stored it."""
        with _translated(key):
            answer = self._client.head_object(Bucket=self._name, Key=key)
        return StoredObject(
            answer["ContentLength"],
            answer["ETag"].strip('"'),
            answer["Metadata"].get("sha256", ""),
            answer.get("ContentType", ""),
        )

    def delete(self, key: str) -> None:
        """Remove an object."""
        with _translated(key):
            self._client.delete_object(Bucket=self._name, Key=key)

    def list_keys(self, prefix: str, start_after: str, limit: int) -> tuple[list[str], bool]:
        """One page of names."""
        with _translated(prefix):
            answer = self._client.list_objects_v2(
                Bucket=self._name, Prefix=prefix, StartAfter=start_after, MaxKeys=limit
            )
        return [entry["Key"] for entry in answer.get("Contents", [])], answer["IsTruncated"]

    def presign(self, key: str, expires_s: int) -> str:
        """Sign an address; the server is not asked."""
        with _translated(key):
            return self._client.generate_presigned_url(
                "get_object", Params={"Bucket": self._name, "Key": key}, ExpiresIn=expires_s
            )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


async def open_bucket(config: ModelInvoiceStoreConfig) -> ProtocolBucket:
    """A client of the configured bucket; nothing is sent yet."""
    return await asyncio.to_thread(_open_bucket, config)


def _open_bucket(config: ModelInvoiceStoreConfig) -> ProtocolBucket:
    try:
        import boto3
        from botocore.config import Config
    except ImportError as exc:
        raise _failed(
            "boto3 is not installed; run: pip install 'boto3>=1.42,<2'",
            EnumCoreErrorCode.DEPENDENCY_UNAVAILABLE,
        ) from exc
    secret = config.secret_access_key
    with _translated(config.bucket):
        # A session of its own: boto3's default session must not be used by several threads.
        client = boto3.session.Session().client(
            "s3",
            endpoint_url=config.endpoint_url,
            region_name=config.region,
            aws_access_key_id=config.access_key_id,
            aws_secret_access_key=secret.get_secret_value() if secret else None,
            config=Config(
                connect_timeout=config.timeout_s,
                read_timeout=config.timeout_s,
                retries={"total_max_attempts": 1},
                signature_version="s3v4",
                # Servers other than AWS often know neither host names for buckets nor the newer checksums.
                s3={"addressing_style": "path" if config.endpoint_url else "auto"},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )
    return S3Bucket(client, config)


async def perform(
    request: ModelInvoiceStoreInput, config: ModelInvoiceStoreConfig, *, open_bucket: OpenBucket = open_bucket
) -> ModelInvoiceStoreOutput:
    """Carry out one operation; raises ModelOnexError when it cannot be done in time."""
    if not request.key and request.operation is not EnumInvoiceStoreOperation.LIST:
        raise _failed("key must name an object", EnumCoreErrorCode.VALIDATION_ERROR)
    if len(request.content) > config.max_bytes:
        raise _failed(f"content is larger than {config.max_bytes} bytes", EnumCoreErrorCode.VALIDATION_ERROR)
    try:
        async with asyncio.timeout(config.deadline_s):
            bucket = await open_bucket(config)
            try:
                operation = _OPERATIONS[request.operation]
                result, attempts = await _repeated(lambda: asyncio.to_thread(operation, request, bucket), config)
            finally:
                bucket.close()
    except TimeoutError as exc:
        raise _failed(
            f"{request.operation.value} of {request.key} was not done within {config.deadline_s} s",
            EnumCoreErrorCode.TIMEOUT_ERROR,
        ) from exc
    return result.model_copy(update={"attempts": attempts})


async def _repeated[Result](
    call: Callable[[], Awaitable[Result]], config: ModelInvoiceStoreConfig
) -> tuple[Result, int]:
    """The result and the attempts it took; only failures that can pass are tried again, after growing pauses."""
    attempt = 1
    while True:
        try:
            return await call(), attempt
        except ModelOnexError as exc:
            if exc.error_code not in _PASSING:
                raise
            if attempt == config.max_attempts:
                raise ModelOnexError(
                    message=f"{exc.message} (tried {attempt} times)", error_code=exc.error_code
                ) from exc
        await asyncio.sleep(config.retry_pause_s * 2 ** (attempt - 1))
        attempt += 1


def _put(request: ModelInvoiceStoreInput, bucket: ProtocolBucket) -> ModelInvoiceStoreOutput:
    content = _decoded(request)
    try:
        stored = bucket.put(request.key, content, request.content_type, only_if_absent=request.only_if_absent)
    except ModelOnexError as exc:
        if exc.error_code != EnumCoreErrorCode.INVALID_STATE:
            raise
        stored = bucket.head(request.key)
        # The same content is what an earlier attempt of this request left, or this request done before.
        if stored.sha256 != sha256(content).hexdigest():
            raise
    return ModelInvoiceStoreOutput(
        key=request.key, size_bytes=stored.size_bytes, etag=stored.etag, sha256=stored.sha256
    )


def _decoded(request: ModelInvoiceStoreInput) -> bytes:
    if not request.is_base64:
        return request.content.encode()
    try:
        return base64.b64decode(request.content, validate=True)
    except binascii.Error as exc:
        raise _failed(f"content is not base64: {exc}", EnumCoreErrorCode.VALIDATION_ERROR) from exc


def _get(request: ModelInvoiceStoreInput, bucket: ProtocolBucket) -> ModelInvoiceStoreOutput:
    stored = bucket.get(request.key)
    is_base64 = request.is_base64
    if not is_base64:
        try:
            text = stored.content.decode()
        except UnicodeDecodeError:
            is_base64 = True
    return ModelInvoiceStoreOutput(
        key=request.key,
        size_bytes=stored.size_bytes,
        etag=stored.etag,
        sha256=stored.sha256,
        content_type=stored.content_type,
        content=base64.b64encode(stored.content).decode() if is_base64 else text,
        is_base64=is_base64,
    )


def _head(request: ModelInvoiceStoreInput, bucket: ProtocolBucket) -> ModelInvoiceStoreOutput:
    stored = bucket.head(request.key)
    return ModelInvoiceStoreOutput(
        key=request.key,
        size_bytes=stored.size_bytes,
        etag=stored.etag,
        sha256=stored.sha256,
        content_type=stored.content_type,
    )


def _delete(request: ModelInvoiceStoreInput, bucket: ProtocolBucket) -> ModelInvoiceStoreOutput:
    bucket.delete(request.key)
    return ModelInvoiceStoreOutput(key=request.key)


def _list(request: ModelInvoiceStoreInput, bucket: ProtocolBucket) -> ModelInvoiceStoreOutput:
    keys, is_truncated = bucket.list_keys(request.key, request.start_after, request.limit)
    return ModelInvoiceStoreOutput(key=request.key, keys=keys, is_truncated=is_truncated)


def _presign(request: ModelInvoiceStoreInput, bucket: ProtocolBucket) -> ModelInvoiceStoreOutput:
    return ModelInvoiceStoreOutput(key=request.key, url=bucket.presign(request.key, request.expires_s))


_OPERATIONS: dict[
    EnumInvoiceStoreOperation, Callable[[ModelInvoiceStoreInput, ProtocolBucket], ModelInvoiceStoreOutput]
] = {
    EnumInvoiceStoreOperation.PUT: _put,
    EnumInvoiceStoreOperation.GET: _get,
    EnumInvoiceStoreOperation.HEAD: _head,
    EnumInvoiceStoreOperation.DELETE: _delete,
    EnumInvoiceStoreOperation.LIST: _list,
    EnumInvoiceStoreOperation.PRESIGN: _presign,
}


@contextmanager
def _translated(key: str) -> Iterator[None]:
    """Turn what boto3 raises into ModelOnexError; the secret is in none of its messages."""
    from botocore import exceptions as boto

    try:
        yield
    except boto.ClientError as exc:
        raise _refused(key, exc.response["Error"]["Code"], exc.response["ResponseMetadata"]["HTTPStatusCode"]) from exc
    except (boto.ConnectTimeoutError, boto.ReadTimeoutError) as exc:
        raise _failed("the server did not answer in time", EnumCoreErrorCode.TIMEOUT_ERROR) from exc
    except (boto.ConnectionError, boto.HTTPClientError, boto.IncompleteReadError) as exc:
        raise _failed(
            f"the server cannot be reached ({type(exc).__name__}); check S3_ENDPOINT_URL",
            EnumCoreErrorCode.NETWORK_ERROR,
        ) from exc
    except boto.BotoCoreError as exc:
        raise _failed(f"the storage settings cannot be used: {exc}", EnumCoreErrorCode.CONFIGURATION_ERROR) from exc


def _refused(key: str, reason: str, status: int) -> ModelOnexError:
    """What an answer of the server means."""
    if reason == "NoSuchBucket":
        return _failed("the bucket does not exist; check S3_BUCKET", EnumCoreErrorCode.CONFIGURATION_ERROR)
    if status in {401, 403}:
        return _failed(
            f"the server refused the credentials ({reason}); check S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY",
            EnumCoreErrorCode.AUTHENTICATION_ERROR,
        )
    if status == 404:
        return _failed(f"{key} does not exist", EnumCoreErrorCode.NOT_FOUND)
    if status == 412:
        return _failed(f"{key} exists with other content", EnumCoreErrorCode.INVALID_STATE)
    is_passing = status in {429, 500, 502, 503, 504} or reason in {"RequestTimeout", "SlowDown", "OperationAborted"}
    code = EnumCoreErrorCode.SERVICE_UNAVAILABLE if is_passing else EnumCoreErrorCode.OPERATION_FAILED
    return _failed(f"the server answered {reason} (HTTP {status}) for {key}", code)


def _failed(message: str, code: EnumCoreErrorCode) -> ModelOnexError:
    return ModelOnexError(message=message, error_code=code)
