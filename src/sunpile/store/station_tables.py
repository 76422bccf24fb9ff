"""Tables of running a fleet of stations."""
