"""What `vipservice install` puts on a host and `vipservice uninstall` takes away."""
