"""The readers for Linux: netlink, /proc, tracefs."""
