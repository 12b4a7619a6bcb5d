"""Long tests, which ``make soak`` runs and nothing else does; their figures are on record in README.md here."""
