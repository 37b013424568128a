"""The nouns, as frozen values. Imports nothing of ours; each file is loaded only by who needs it."""
