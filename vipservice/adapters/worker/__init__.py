"""The process beside the daemon that asks services how they are and runs hooks; nothing here hurries."""
