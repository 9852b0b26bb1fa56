"""What injected instructions get done: a corpus of attacks, a model that obeys them, and a harness that counts."""
