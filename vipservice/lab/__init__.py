"""Hosts in private network namespaces, a client that never stops asking, and a count of the owners."""
