"""How names become addresses, and where that goes wrong."""
