"""The HTTP server for Prometheus, load balancers and people."""
