"""Machines on the lab's LAN on which a real systemd has booted, with our service in its hands."""
