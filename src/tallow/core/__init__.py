"""Pure functions: every formula of tallow, once. No clock, files, network, environment or logging."""
