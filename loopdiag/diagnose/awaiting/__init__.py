"""Watching targets until they answer."""
