"""Opens the sockets. The only layer that sends a byte."""
