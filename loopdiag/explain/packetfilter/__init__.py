"""What the rules of a packet filter do to one packet: evaluated as the kernel would, in three-valued logic.

A match says True, False, or None where it depends on what cannot be known from outside (chance, a rate, a payload).
"""
