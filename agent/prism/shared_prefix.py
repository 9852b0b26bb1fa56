"""How much of a prompt is that of the prompt before: what an endpoint's prefix cache can have of it."""


def shared_characters(first: str, second: str) -> int:
    """The length of the longest text with which both begin."""
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
