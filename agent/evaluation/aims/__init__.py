"""What can be wanted of each world, one module a world: drawn by seed, with the right next step from any state."""
