"""What the worker and its children find in their environment: next to nothing."""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = {"PATH": PATH, "LANG": "C.UTF-8"}
"""All that a child inherits: no credentials, no notification socket."""

ECHOES = "VIPSERVICE_ECHOES"
"""The worker's own: the descriptor of a raw ICMP socket. Its children do not get it."""
