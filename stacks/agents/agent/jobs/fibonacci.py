"""Count the digits of a large Fibonacci number."""

INDEX = 20_000
a, b = 0, 1
for _ in range(INDEX):
    a, b = b, a + b
digits = 0
while a:
    a //= 10
    digits += 1
print("Fibonacci number", INDEX, "has", digits, "digits")
