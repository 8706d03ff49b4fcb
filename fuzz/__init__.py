"""Coverage-guided fuzzing of everything that reads a file: `python -m fuzz --seconds 3600`, or `make fuzz`."""
