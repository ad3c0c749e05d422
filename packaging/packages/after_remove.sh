#!/bin/sh
# After a removal. 'purge' is dpkg's word for the configuration and the state too; the user stays: files may be its own.
set -e
if [ "$1" = purge ]; then rm -rf /etc/vipservice /var/lib/vipservice; fi
[ ! -d /run/systemd/system ] || systemctl daemon-reload
