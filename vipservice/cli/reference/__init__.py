"""The manual pages and shell completions, made of what `--help` and the configuration's tables say."""
