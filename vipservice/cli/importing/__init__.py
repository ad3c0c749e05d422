"""Other programs' configurations, turned into ours, with a list of what could not be."""
