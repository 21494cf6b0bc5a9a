"""Find the start below 50,000 with the longest Collatz chain."""

LIMIT = 50_000


def steps(n: int) -> int:
    count = 0
    while n != 1:
        n = 3 * n + 1 if n % 2 else n // 2
        count += 1
    return count


best = max(range(1, LIMIT), key=steps)
print("the longest Collatz chain below", LIMIT, "starts at", best, "with", steps(best), "steps")
