"""The real daemons under load, under attack and over time: what they must bear without a move."""
