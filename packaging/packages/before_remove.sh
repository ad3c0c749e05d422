#!/bin/sh
# Before a removal: the service hands its address over and ends. dpkg says 'upgrade', rpm 1 where a newer one follows.
set -e
if [ "$1" = remove ] || [ "$1" = 0 ]; then
  [ ! -d /run/systemd/system ] || systemctl disable --now vipservice.service
  find /usr/lib/vipservice -name __pycache__ -prune -exec rm -r {} +
fi
