"""One function a verb. The only room that wires the others together.

The sentence of every change stands in apply.py, as one stream of events: hold the lock, load, observe and plan
(planning.py) and read secrets, execute and go back (execution.py).

A command imports only the files that it needs, so that a plan does not wait for what an apply is made of.
"""
