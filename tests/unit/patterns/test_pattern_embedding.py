"""The built-in embedding model: what its vectors are like, and what happens when its files are not."""

import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from omniclaude_dagster.errors import ConfigurationError, EmbeddingUnavailableError
from omniclaude_dagster.patterns import embedding
from omniclaude_dagster.patterns.embedding import WordLlamaEmbedder, build_embedder
from omniclaude_dagster.patterns.embedding_service import ServiceEmbedder
from omniclaude_dagster.settings import Settings

TEXTS = ["Calculate the tax of an order", "Send a mail to a customer", "x", "calculate taxes for orders"]


def test_vectors_are_unit_rows_of_the_promised_length() -> None:
    embedder = WordLlamaEmbedder()
    rows = embedder.embed(TEXTS)

    assert rows.shape == (len(TEXTS), embedder.dimension)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1.0, abs=1e-6)


def test_what_means_the_same_is_nearer_than_what_does_not() -> None:
    tax, mail, _, taxes = WordLlamaEmbedder().embed(TEXTS)

    assert tax @ taxes > 0.6 > 0.3 > abs(tax @ mail)


def test_a_text_has_the_same_vector_whatever_is_embedded_beside_it() -> None:
    embedder = WordLlamaEmbedder()
    alone = embedder.embed([TEXTS[0]])[0]
    long = "a very long text about volcanoes and their many kinds of lava " * 20

    assert embedder.embed([long, *TEXTS, long])[1].tolist() == alone.tolist()


def test_words_that_every_request_has_change_nothing() -> None:
    one, other = WordLlamaEmbedder().embed(["Please create a COMPUTE node that returns the TAX", "tax"])

    assert one.tolist() == other.tolist()


@pytest.mark.parametrize("text", ["", "   \n", "the of and", "!!!", "\ud800"])
def test_a_text_without_a_word_that_counts_gets_zeros(text: str) -> None:
    assert not WordLlamaEmbedder().embed([text]).any()


def test_no_texts_give_no_rows() -> None:
    assert WordLlamaEmbedder().embed([]).shape == (0, 256)


def test_a_huge_text_is_embedded_by_its_start() -> None:
    embedder = WordLlamaEmbedder()
    start = "tax order customer " * 500

    one, other = embedder.embed([start, start + "volcano lava " * 500_000])

    assert one.tolist() == other.tolist()


def test_any_script_has_a_vector() -> None:
    assert WordLlamaEmbedder().embed(["数量を計算する", "größter Wert", "сумма заказа"]).any(axis=1).all()


def test_threads_share_one_model_and_agree() -> None:
    embedder = WordLlamaEmbedder()
    expected = embedder.embed(TEXTS).tolist()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: WordLlamaEmbedder().embed(TEXTS).tolist(), range(32)))

    assert all(rows == expected for rows in found)


def test_the_name_says_model_and_treatment() -> None:
    assert WordLlamaEmbedder().model_name.startswith("wordllama-l2-supercat-256/")


def test_it_is_the_model_that_the_package_itself_would_load() -> None:
    """Same numbers as the package's own mean of the same words."""
    program = (
        "import pathlib, shutil, tempfile, wordllama\n"
        "from wordllama import WordLlama\n"
        "root, folder = pathlib.Path(wordllama.__file__).parent, pathlib.Path(tempfile.mkdtemp())\n"
        "(folder / 'tokenizers').mkdir()\n"
        "shutil.copy(root / 'tokenizers/l2_supercat_tokenizer_config.json', folder / 'tokenizers')\n"
        "model = WordLlama.load(cache_dir=folder, disable_download=True)\n"
        "shutil.rmtree(folder)\n"
        "print(model.embed(['calculate tax order'], norm=True)[0].tolist())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    ours = WordLlamaEmbedder().embed(["calculate tax order"])[0]
    assert ours.tolist() == pytest.approx(eval(done.stdout), abs=1e-7)


def test_loading_leaves_the_process_s_logging_alone() -> None:
    program = (
        "import logging, sys\n"
        "from omniclaude_dagster.patterns.embedding import WordLlamaEmbedder\n"
        "assert 'tokenizers' not in sys.modules\n"
        "WordLlamaEmbedder().embed(['tax'])\n"
        "assert not logging.getLogger().handlers and 'requests' not in sys.modules, 'wordllama was imported'\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert logging.getLogger().level == logging.WARNING


@pytest.mark.parametrize("damage", ["missing", "tokenizer", "weights"])
def test_broken_files_say_what_to_install(damage: str, tmp_path: Path) -> None:
    (tmp_path / "tokenizers").mkdir()
    (tmp_path / "weights").mkdir()
    if damage != "missing":
        (tmp_path / embedding._TOKENIZER).write_text("{" if damage == "tokenizer" else "{}")
        (tmp_path / embedding._WEIGHTS).write_bytes(b"not weights")

    with pytest.raises(EmbeddingUnavailableError, match="embedding model") as found:
        embedding._read(tmp_path)

    assert "pip install" in found.value.cure


def test_without_a_host_the_built_in_model_is_used() -> None:
    assert isinstance(build_embedder(Settings()), WordLlamaEmbedder)


def test_a_host_without_the_name_of_a_model_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="OMNICLAUDE_EMBEDDINGS_MODEL"):
        build_embedder(Settings(embeddings_base_url="http://127.0.0.1:8000/v1"))


def test_a_host_is_not_asked_before_something_is_to_be_embedded() -> None:
    settings = Settings(
        embeddings_base_url="http://127.0.0.1:1/v1", embeddings_model="some-model", embeddings_api_key="s3cret-key"
    )
    embedder = build_embedder(settings)

    assert isinstance(embedder, ServiceEmbedder)
    assert "s3cret" not in repr(embedder)


@pytest.mark.parametrize("url", ["http://169.254.169.254/v1", "http://example.com/v1", "ftp://127.0.0.1/v1"])
def test_an_address_that_no_model_may_live_at_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="OMNICLAUDE_EMBEDDINGS_BASE_URL"):
        ServiceEmbedder(base_url=url, model="m")


def test_a_key_that_no_key_can_be_is_refused_without_showing_it() -> None:
    with pytest.raises(ConfigurationError, match="OMNICLAUDE_EMBEDDINGS_API_KEY") as refused:
        ServiceEmbedder(base_url="http://127.0.0.1:1/v1", model="m", api_key="se\ncret")

    assert "cret" not in str(refused.value).replace("secret", "")
