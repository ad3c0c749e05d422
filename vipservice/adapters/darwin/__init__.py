"""macOS: ifconfig(8) and route(8), bpf(4), route(4) and kernel events, behind the same ports as Linux."""
