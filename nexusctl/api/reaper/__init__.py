"""The reaper: one small container per engine that ends what has lived its time while no nexusctl runs.

It is a stack like any other, `reaper/reaper.yaml`, that is applied when something with a lifetime is there, and
destroyed with the last. In it runs this very package, which needs nothing but Python.
"""
