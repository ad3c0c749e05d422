"""A floating IP: two or more hosts share an address, one holds it, another takes over when it goes away."""

__version__ = "0.1.0"
