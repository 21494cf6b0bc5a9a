"""What an older nexusctl has made still has no changes.

`stack` is a stack with every kind of field that 0.1.0 knew, `made-by-0.1.0.json` what its `apply`, and another one
after a change in place, left on an engine. `python -m tests.upgrade.save` writes such a file of what is live.
"""
