"""Other people's daemons with a floating address, each started, stopped, killed and hung like ours."""
