"""Batch systems: job scripts, submission, job states."""
