"""The optimiser step: samples packed into rows, log-probabilities, the loss, gradients, new weights."""
