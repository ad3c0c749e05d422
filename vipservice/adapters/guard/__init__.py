"""A lease where the kernel has none: a process that removes the address when nobody renews it."""
