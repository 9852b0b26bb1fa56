"""Who gets the credit: from a group's rewards to an advantage and a weight for every sampled token."""
