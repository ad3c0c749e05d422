"""Measures what being observed costs: real nodes, looked at by nobody, by one, by a hundred, by slow ones."""
