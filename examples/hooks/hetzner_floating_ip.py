#!/usr/bin/env python3
"""A hook for vipservice: give this server a floating IP of the Hetzner Cloud when this node becomes active.

It reads what happened from standard input (docs/hooks.md), does nothing unless the role is `active`, and may
be run again at any time: assigning what is assigned already changes nothing. It needs Python alone.

    hooks:
      - run: [/usr/local/lib/vipservice/hetzner_floating_ip.py, --floating-ip, '4711',
              --token-file, /etc/vipservice/hetzner.token]
        on: active

The token needs read and write permission for the project. Keep it in a file that only the service's user can
read; this program refuses one that everybody can.
"""

import argparse
import json
import os
import stat
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

API = "https://api.hetzner.cloud/v1"
METADATA = "http://169.254.169.254/hetzner/v1/metadata/instance-id"
TRIES = 6
FIRST_PAUSE = 0.5
WORTH_ANOTHER_TRY = {409, 423, 429, 500, 502, 503, 504}
"""Locked, busy, or not at home: the move of a moment ago may still be under way there."""


def main() -> int:
    """Exit status 0 when the address is ours, or not to be."""
    arguments = _arguments()
    happened = json.load(sys.stdin)
    if happened["role"] != "active":
        return 0
    try:
        token = _token(arguments.token_file)
        server = arguments.server or int(_ask(arguments.metadata))
        _assign(f"{arguments.api}/floating_ips/{arguments.floating_ip}/actions/assign", server, token)
    except (OSError, ValueError) as error:
        print(f"floating IP {arguments.floating_ip}: {error}", file=sys.stderr)
        return 1
    print(f"floating IP {arguments.floating_ip} is assigned to server {server}")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Assign a floating IP of the Hetzner Cloud to this server.")
    parser.add_argument("--floating-ip", type=int, required=True, help="its number")
    parser.add_argument("--token-file", type=Path, required=True, help="the API token, alone in a file")
    parser.add_argument("--server", type=int, help="this server's number; asked from the metadata service")
    parser.add_argument("--api", default=API)
    parser.add_argument("--metadata", default=METADATA)
    return parser.parse_args()


def _token(path: Path) -> str:
    if path.stat().st_mode & stat.S_IRWXO:
        raise ValueError(f"{path} is open to everybody: chmod 0640 {path}")
    return path.read_text(encoding="ascii").strip()


def _ask(url: str) -> str:
    with urllib.request.urlopen(url, timeout=3) as answer:  # noqa: S310 - an operator's own URL
        text: str = answer.read(100).decode("ascii")
    return text


def _assign(url: str, server: int, token: str) -> None:
    body = json.dumps({"server": server}).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 - as above
    pause = FIRST_PAUSE * float(os.environ.get("PAUSES", "1"))
    for left in reversed(range(TRIES)):
        try:
            with urllib.request.urlopen(request, timeout=5):  # noqa: S310 - as above
                return
        except urllib.error.HTTPError as error:
            problem = f"the API answered {error.code}"
            error.close()
            if not left or error.code not in WORTH_ANOTHER_TRY:
                raise ValueError(problem) from None
        except OSError:
            if not left:
                raise
        time.sleep(pause)
        pause *= 2


if __name__ == "__main__":
    sys.exit(main())
