"""What clients do of their own accord: proxies, ports and destinations that some of them refuse."""
