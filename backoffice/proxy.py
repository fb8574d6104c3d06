"""The proxy in front of us: whose word for where a request came from is taken."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


def networks(texts: Iterable[str]) -> list[Network]:
    """PROXY_NETWORKS, as 10.2.0.0/16 or one address; what is neither ends the program with one line."""
    found = []
    for text in texts:
        try:
            found.append(ip_network(text))
        except ValueError as error:
            raise SystemExit(f"PROXY_NETWORKS: {error}. Write it as 10.2.0.0/16.") from None
    return found


def is_one_of(address: str, trusted: Sequence[Network]) -> bool:
    try:
        return any(ip_address(address) in network for network in trusted)
    except ValueError:
        return False
