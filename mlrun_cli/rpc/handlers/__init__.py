"""Handlers of requests, with a module for each noun and a function for each request."""
