"""What people see while a training runs: a live view in the terminal, and TensorBoard."""
