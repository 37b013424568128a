"""The resolver's files: hosts(5), nsswitch.conf(5), resolv.conf(5), gai.conf(5)."""
