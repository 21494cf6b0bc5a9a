"""A stack and an engine rated by points of the CIS Docker Benchmark: facts in, verdicts out. Pure.

`points.py` is the table of points, in the numbers of benchmark 1.6.0, which docker-bench-security has as well.
"""
