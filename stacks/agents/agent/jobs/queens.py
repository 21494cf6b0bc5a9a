"""Count the ways to put eight queens on a board so that none attacks another."""

from itertools import permutations

SIZE = 8
solutions = sum(
    len({column + row for row, column in enumerate(board)}) == SIZE
    and len({column - row for row, column in enumerate(board)}) == SIZE
    for board in permutations(range(SIZE))
)
print(solutions, "ways to place", SIZE, "queens")
