"""The page at `/`: what this node knows, for people; whole without scripts, and kept fresh by one."""
