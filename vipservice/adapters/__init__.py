"""What the ports of `runtime` are made of: one OS a folder, and the services around the daemon."""
