"""Live news: topics, the subscriptions of browsers, and the watchers that feed them."""
