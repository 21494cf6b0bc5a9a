"""Carrying out a plan: plan -> events, no decisions."""
