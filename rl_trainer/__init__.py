"""Learns: tasks -> trajectories -> samples -> a better policy. The only floor that knows torch."""
