"""Settings, wiring and logging: the only place that picks adapters."""
