"""Who listens on the port asked for, where it can be reached, and whether it takes the connections that come."""
