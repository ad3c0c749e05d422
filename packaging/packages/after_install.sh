#!/bin/sh
# After an installation and an upgrade, of the .deb and of the .rpm. Starting the service is the admin's.
set -e
systemd-sysusers vipservice.conf
# The service can't write bytecode itself, and starts slowly without.
/usr/bin/python3 -m compileall -q /usr/lib/vipservice
chgrp vipservice /etc/vipservice /etc/vipservice/vipservice.yml
chmod 0750 /etc/vipservice
chmod 0640 /etc/vipservice/vipservice.yml
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  # dpkg says 'configure OLD-VERSION', rpm 2: an upgrade. A daemon that is stopped stays so; one that runs becomes
  # the new version in place, and where it cannot, it hands over and starts again.
  if { [ "$1" = 2 ] || [ -n "${2:-}" ]; } && systemctl --quiet is-active vipservice.service; then
    # 75: it is the new version, and a role has moved meanwhile.
    vipservice upgrade || [ $? = 75 ] || systemctl try-restart vipservice.service
  fi
fi
