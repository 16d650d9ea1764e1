"""Live updates: topics, the subscriptions of browsers to them, and the watchers that detect changes."""
