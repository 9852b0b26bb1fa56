"""What changes a token's part in the loss: its advantage, its weight or its clip range; all detached, composable."""
