"""From production to training: runs that the agent service has recorded become trajectories."""
