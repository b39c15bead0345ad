"""Measured, not guessed: see README.md beside this file."""
