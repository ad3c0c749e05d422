"""The fault matrix: what a client sees of vipservice, keepalived and ucarp when the same things go wrong."""
