"""Programs for people who work on the project: set-up, the local model, demo. Not part of the package."""
