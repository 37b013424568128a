"""The readers for macOS."""
