"""Count the primes below a million."""

LIMIT = 1_000_000
prime = bytearray([1]) * LIMIT
prime[:2] = b"\0\0"
for n in range(2, int(LIMIT**0.5) + 1):
    if prime[n]:
        prime[n * n :: n] = bytes(len(range(n * n, LIMIT, n)))
print(sum(prime), "primes below", LIMIT)
