"""What came of a training, to be read afterwards: a Markdown report with curves, and several runs side by side."""
