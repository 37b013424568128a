"""ICMP echo: its causes, and the story of how the packets went."""
