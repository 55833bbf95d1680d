"""Where a webhook may go: the guard against being made to call what only this machine can reach (OWASP, SSRF).

Checked twice: the address as written when it is registered, and every address its name resolves to at the moment of
connecting. The connection then goes to the very address that was checked, so that a name that changes its mind between
the two (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import SplitResult, urlsplit

from services.chassis.errors import SettingsError
from services.chassis.settings import Settings

URL_CHARS_MAX: Final = 500
ALLOW_VARIABLE: Final = "RELAY_WEBHOOKS_ALLOW"
_NAT64: Final = ip_network("64:ff9b::/96")

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Reach:
    """What may be called.

    Attributes:
        networks: allowed although they are not public: a closed network of health or police bodies; loopback on a
            developer's machine.
        production: only https, and never loopback.
    """

    networks: tuple[Network, ...] = ()
    production: bool = True

    def objection(self, url: str) -> str:
        """Give what speaks against an address as it is written, in words that say what to do; empty for nothing."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return "this is no address: write it as https://host/path"
        if len(url) > URL_CHARS_MAX or any(not 0x21 <= ord(char) <= 0x7E for char in url):
            return f"an address has at most {URL_CHARS_MAX} characters, without spaces, letters of ASCII"
        if not parts.hostname or port == 0:
            return "this is no address: write it as https://host/path"
        if parts.username is not None or parts.password is not None or parts.fragment:
            return "an address holds no user, password or fragment: the signature shows who calls"
        if parts.scheme != "https" and not self._plain(parts):
            return "write it as https://…: what is sent names children's concerns, if only by id"
        literal = _literal(parts.hostname)
        if literal is not None and not self.allows(literal):
            return "this address is not public: give a name that others can reach"
        return ""

    def allows(self, address: Address) -> bool:
        """Say whether an address may be connected to."""
        inner = _embedded(address)
        if inner is not None:
            return self.allows(inner)
        if self.production and address.is_loopback:
            return False
        if any(address.version == network.version and address in network for network in self.networks):
            return True
        return address.is_global and not address.is_multicast and not address.is_reserved

    def _plain(self, parts: SplitResult) -> bool:
        """Without TLS only to this very machine, and not in production."""
        if parts.scheme != "http" or self.production or parts.hostname is None:
            return False
        literal = _literal(parts.hostname)
        return literal is not None and literal.is_loopback and self.allows(literal)


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _embedded(address: Address) -> IPv4Address | None:
    """Give the IPv4 address inside an IPv6 one, which is where the packets would go."""
    if not isinstance(address, IPv6Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def reach_of(settings: Settings) -> Reach:
    """Read what may be called: public addresses, and the networks of RELAY_WEBHOOKS_ALLOW.

    Raises:
        SettingsError: it names no network, or loopback in production.
    """
    production = settings.profile == "production"
    try:
        networks = tuple(ip_network(word.strip()) for word in os.environ.get(ALLOW_VARIABLE, "").split(",") if word)
    except ValueError as error:
        raise SettingsError(f"{ALLOW_VARIABLE} must list networks, as 10.20.0.0/16,10.30.0.0/16") from error
    if production and any(network.is_loopback for network in networks):
        raise SettingsError(f"{ALLOW_VARIABLE} names loopback: production never calls its own machine; take it out")
    return Reach(networks, production)
