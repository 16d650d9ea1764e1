"""Handlers of requests: a module per noun, a function per request."""
