"""Bytes to values and back, pure: adverts, ARP, ICMP echo. Any bytes give a value or DecodeError."""
