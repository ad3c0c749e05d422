"""The front door: the operator's YAML becomes frozen, checked settings, or one ConfigError."""
