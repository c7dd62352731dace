"""Helpers for notebooks and orchestrators."""
