"""Rules that let adverts pass, for the three tools that people have. They are printed, never applied."""

from collections.abc import Iterator

from vipservice.core.values import Address


def inbound(peer: Address, port: int, interface: str) -> Iterator[str]:
    """Let the adverts of `peer` come in on this host."""
    rich = f'rule family="ipv4" source address="{peer}" port port="{port}" protocol="udp" accept'
    yield "# nftables (with your table and chain in the place of 'inet filter input')"
    yield f"nft insert rule inet filter input ip saddr {peer} udp dport {port} accept"
    yield "# firewalld"
    yield f"zone=$(firewall-cmd --get-zone-of-interface={interface})"
    yield f"firewall-cmd --permanent --zone=\"$zone\" --add-rich-rule='{rich}'"
    yield "firewall-cmd --reload"
    yield "# ufw"
    yield f"ufw allow in on {interface} proto udp from {peer} to any port {port}"


def outbound(port: int, interface: str) -> Iterator[str]:
    """Let our own adverts leave this host."""
    yield "# nftables (with your table and chain in the place of 'inet filter output')"
    yield f"nft insert rule inet filter output udp dport {port} accept"
    yield "# firewalld (it filters what leaves only where somebody told it to)"
    yield f"firewall-cmd --permanent --direct --add-rule ipv4 filter OUTPUT 0 -p udp --dport {port} -j ACCEPT"
    yield "firewall-cmd --reload"
    yield "# ufw"
    yield f"ufw allow out on {interface} proto udp to any port {port}"
