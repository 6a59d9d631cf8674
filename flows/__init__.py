"""The pipeline wired together: stages as Prefect tasks, and the command line."""
