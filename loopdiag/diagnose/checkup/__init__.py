"""The checks of `doctor`, by what they look at. Each returns the words of a CheckResult; none changes anything."""
