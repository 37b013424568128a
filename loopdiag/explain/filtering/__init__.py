"""The packet filter and its relatives: which rule, discipline, program or sandbox refused it."""
