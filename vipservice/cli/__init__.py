"""Words for humans, one module a command."""
