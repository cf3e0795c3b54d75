"""Campaigns: configuration, plan, run, export, status."""
