"""Fail, to show that the agent reports it and goes on with the next job."""

raise SystemExit("this job fails on purpose")
