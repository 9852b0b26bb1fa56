"""Measures how well tools are found: strategies on labelled sets, and one server among up to 11,111 others."""
