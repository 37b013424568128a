"""Rules about routes, policy rules, and packets that the kernel takes for impossible."""
