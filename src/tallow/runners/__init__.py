"""Where a pure step runs: in this process, or in another one."""
