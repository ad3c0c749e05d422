"""Hosts and a LAN in memory, in virtual time: the real core, kernels with leases and ARP, named faults."""
