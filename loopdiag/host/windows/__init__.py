"""The readers for Windows."""
