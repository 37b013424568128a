"""Whether assertions hold: one try, the state that tries share, causes, and a file made of what is."""
