"""Rules about interfaces and their addresses."""
