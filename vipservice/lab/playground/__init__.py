"""Three nodes, a real Prometheus with the rules, and each node's page: to look at and to break."""
