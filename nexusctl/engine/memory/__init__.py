"""An engine in memory: behaves as the port says, for pure tests of what sits above it. No I/O, no clock, no chance."""

from nexusctl.engine.memory.engine import MemoryEngine

__all__ = ["MemoryEngine"]
