"""The service itself: it is there, it accepts, and what it says (or does not say) is the reason."""
