"""What training ends with: a model folder that other programs serve."""
