"""(Stack, LiveState) -> Plan: pure, no I/O, no clock."""
