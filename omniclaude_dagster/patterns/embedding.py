"""Embeds with the model that is inside the package `wordllama`: 16 MB of weights, no download, 0.04 ms a text.

Reads the package's files itself instead of importing it: the import would set up logging for the whole process and
bring an HTTP client along, and its own loader wants a writable cache folder. What it computes is the same: the mean of
the tokens' vectors. Not here: other hosts (`embedding_service.py`).
"""

import importlib.util
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from omniclaude_dagster.errors import ConfigurationError, EmbeddingUnavailableError
from omniclaude_dagster.patterns.model import Embedder, Vectors
from omniclaude_dagster.patterns.words import terms_of
from omniclaude_dagster.settings import Settings

_PACKAGE = "wordllama"
_TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"
_WEIGHTS = "weights/l2_supercat_256.safetensors"
_TENSOR = "embedding.weight"
# A mean over very many tokens says little; the first words of a text name its subject.
_MAX_WORDS = 400
_CURE = "install it again: pip install --force-reinstall wordllama"
_LOAD_LOCK = Lock()


class WordLlamaEmbedder:
    """Implements Embedder. Words that every request has are left out: the model has no attention to pass over them.

    Loaded at first use, once a process, 0.2 s. Safe for threads. Equal texts have equal vectors, bit for bit, whatever
    is embedded beside them. A text without a word that counts gets zeros.
    """

    @property
    def model_name(self) -> str:
        """The model, and which words it is shown: another choice of words makes other vectors."""
        return "wordllama-l2-supercat-256/words-1"

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return 256

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One unit row a text. Raises EmbeddingUnavailableError when the package's files are missing or broken."""
        tokenizer, weights = _loaded()
        rows = np.zeros((len(texts), weights.shape[1]), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            # One by one: a batch would be padded, and the tokenizer's threads would warn at the next fork.
            numbers = tokenizer.encode(" ".join(terms_of(text)[:_MAX_WORDS]), add_special_tokens=False).ids
            if numbers:
                mean = weights[numbers].astype(np.float32).mean(axis=0)
                row[:] = mean / np.linalg.norm(mean)
        return rows


def build_embedder(settings: Settings) -> Embedder:
    """The embedder that the settings name. Contacts nobody. Raises ConfigurationError."""
    if settings.embeddings_base_url is None:
        return WordLlamaEmbedder()
    if not settings.embeddings_model:
        raise ConfigurationError(
            "OMNICLAUDE_EMBEDDINGS_BASE_URL is set without OMNICLAUDE_EMBEDDINGS_MODEL.",
            cure="set OMNICLAUDE_EMBEDDINGS_MODEL to the model that is served there",
        )
    from omniclaude_dagster.patterns.embedding_service import ServiceEmbedder

    key = settings.embeddings_api_key
    return ServiceEmbedder(
        base_url=settings.embeddings_base_url,
        model=settings.embeddings_model,
        api_key=key.get_secret_value() if key else None,
    )


def _loaded() -> tuple[Any, NDArray[np.float16]]:
    with _LOAD_LOCK:
        return _load()


@lru_cache(maxsize=1)
def _load() -> tuple[Any, NDArray[np.float16]]:
    spec = importlib.util.find_spec(_PACKAGE)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    if not folders:
        raise EmbeddingUnavailableError("the package wordllama is not installed.", cure=_CURE)
    return _read(Path(folders[0]))


def _read(folder: Path) -> tuple[Any, NDArray[np.float16]]:
    from safetensors import SafetensorError, safe_open
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_str((folder / _TOKENIZER).read_text(encoding="utf-8"))
        with safe_open(folder / _WEIGHTS, framework="numpy") as file:
            weights: NDArray[np.float16] = file.get_tensor(_TENSOR)
    except (OSError, UnicodeDecodeError, SafetensorError) as exc:
        raise EmbeddingUnavailableError(
            f"the embedding model cannot be read ({type(exc).__name__}).", cure=_CURE
        ) from exc
    except Exception as exc:
        # The tokenizer's Rust side raises plain exceptions.
        raise EmbeddingUnavailableError(f"the embedding model's tokenizer is broken ({exc}).", cure=_CURE) from exc
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer, weights
