"""Why a port cannot be bound: who holds it, in which way, or which right is missing."""
