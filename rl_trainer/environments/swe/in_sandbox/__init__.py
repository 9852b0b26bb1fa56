"""The program that runs tests in the grader's sandbox. It is sent there as text: the standard library, Python 3.9.

Two processes. The parent never imports what is graded; it removes the plan, waits, and prints one line that begins
with a secret which only the plan had. The child runs the tests and tells the parent each result over a pipe, signed
with another secret. An audit hook, which cannot be taken out, watches what the code under test does in the child.
"""
