"""A Report -> text. Decides nothing."""
