"""What single commands need of a plan: targets, drift, rollback, saved plans, status. Pure."""
