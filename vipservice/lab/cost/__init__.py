"""What a node costs while nothing happens, and how long its start takes."""
