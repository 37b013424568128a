"""Hosts broken on purpose, in namespaces of their own, each with its true cause."""
