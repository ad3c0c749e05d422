"""The main job on one machine: nodes with the real daemon, what befalls them, and what a client saw."""
