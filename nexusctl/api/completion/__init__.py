"""Which words somebody may mean who has typed the beginning of one."""
