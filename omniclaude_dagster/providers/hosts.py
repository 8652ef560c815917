"""Which addresses a model may live at, and which of them count as our own. No name is looked up here.

Only addresses from the catalog or the settings are ever contacted, and redirects are not followed; this module
keeps those addresses honest: http(s) only, no credentials in them, no cloud metadata service, https for everything
that is not our own network.
"""

import ipaddress
import re
from urllib.parse import urlsplit

_PRIVATE_SUFFIXES = (".localhost", ".local", ".internal", ".lan", ".home.arpa")
# A DNS name whose last label starts with a letter. Spellings such as 2130706433 or 0x7f.1 are numbers that the
# system's resolver would turn into addresses, past every check of the literal forms.
_DNS_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
# Names and addresses under which clouds hand credentials to whoever asks.
_METADATA_HOSTS = frozenset({"metadata", "metadata.google.internal", "instance-data", "instance-data.ec2.internal"})
_METADATA_ADDRESSES = frozenset(
    ipaddress.ip_address(a)
    for a in (
        "fd00:ec2::254",
        "100.100.100.200",
        "168.63.129.16",
    )
)


def checked_base_url(url: str) -> str:
    """Return the address without a trailing slash. Raises ValueError with the reason when it is not acceptable."""
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        # The parser drops or rewrites these silently, and so would check another address than the one contacted.
        raise ValueError("the address must consist of printable ASCII characters without spaces or backslashes")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as exc:
        raise ValueError(f"{exc}") from None
    if parts.scheme not in {"http", "https"}:
        raise ValueError(f"the scheme must be http or https, not {parts.scheme or 'missing'!r}")
    if parts.username is not None or parts.password is not None:
        raise ValueError("the address must not contain a user name or password; name a variable in api_key_env")
    if parts.query or parts.fragment or port == 0:
        raise ValueError("the address must not contain a query, a fragment or port 0")
    _check_host(host)
    if parts.scheme == "http" and not is_private_host(url):
        raise ValueError(f"{host} is not on a private network, so its address must start with https://")
    return url.rstrip("/")


def is_private_host(url: str) -> bool:
    """Whether the host is this machine or on a private network, judged by the address alone.

    Names count as private when they cannot be public: a single label (a container's name), `localhost`,
    `.local`, `.internal`, `.lan`, `.home.arpa`.
    """
    host = (urlsplit(url).hostname or "").rstrip(".")
    address = _ip_address(host)
    if address is not None:
        return address.is_private or address.is_loopback
    return bool(_DNS_NAME.fullmatch(host)) and ("." not in host or host.endswith(_PRIVATE_SUFFIXES))


def _check_host(host: str) -> None:
    name = host.rstrip(".")
    address = _ip_address(name)
    if address is None and not _DNS_NAME.fullmatch(name):
        raise ValueError(f"{host!r} is neither a host name nor a plain IP address")
    if name in _METADATA_HOSTS or (address is not None and _is_metadata_address(address)):
        raise ValueError(f"{host} is a metadata or link-local address, where no model lives")


def _ip_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _is_metadata_address(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return address.is_link_local or address.is_multicast or address in _METADATA_ADDRESSES
