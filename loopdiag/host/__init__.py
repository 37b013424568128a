"""Reads this host; changes nothing. A reading that fails is an Unknown with its reason, never an empty list."""
