"""What `vipservice doctor` makes of what it sees: a finding for each thing looked at."""
