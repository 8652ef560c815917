"""Which addresses are acceptable (fault 62), and which count as our own."""

import pytest

from omniclaude_dagster.providers.hosts import checked_base_url, is_private_host

PRIVATE = [
    "http://127.0.0.1:8000/v1",
    "http://localhost:8000",
    "http://[::1]:8000/v1",
    "http://10.1.2.3/v1",
    "http://172.16.1.5:1234/v1",
    "http://workstation-1:8000/v1",
    "http://gpu.lan/v1",
    "http://vllm.internal:8000/v1",
    "http://[::ffff:127.0.0.1]/v1",
]


@pytest.mark.parametrize("url", PRIVATE)
def test_private_addresses_may_use_http(url: str) -> None:
    assert checked_base_url(url + "/") == url
    assert is_private_host(url)


@pytest.mark.parametrize("url", ["https://api.example.com/v1", "https://8.8.8.8/v1", "https://127.0.0.1.example.com"])
def test_public_addresses_need_https(url: str) -> None:
    assert checked_base_url(url) == url
    assert not is_private_host(url)
    with pytest.raises(ValueError, match="https://"):
        checked_base_url(url.replace("https", "http"))


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "gopher://127.0.0.1/",
        "127.0.0.1:8000",
        "",
        "http://",
        "http://169.254.169.254/latest/meta-data",
        "http://[fe80::1]/v1",
        "http://[::ffff:169.254.169.254]/",
        "http://[fd00:ec2::254]/",
        "http://metadata.google.internal/computeMetadata",
        "http://2852039166/latest",
        "http://0xa9fea9fe/",
        "http://0x7f.1/",
        "http://0251.0376.0251.0376/",
        "http://user@127.0.0.1/v1",
        "http://:pw@127.0.0.1/v1",
        "http://127.0.0.1/v1?key=1",
        "http://127.0.0.1/v1#x",
        "http://127.0.0.1:99999/v1",
        "http://127.0.0.1:0/v1",
        "http://exa mple/v1",
        "http://local\nhost/",
        "http://224.0.0.1/",
    ],
)
def test_unacceptable_addresses_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        checked_base_url(url)
