"""Linux: netlink for addresses and links, AF_PACKET for ARP and raw adverts, UDP, ICMP."""
