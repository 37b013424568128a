"""Pure judgement: (target, observations, facts) -> findings. No sockets, no files, no clock."""
