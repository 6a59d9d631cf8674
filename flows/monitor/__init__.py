"""What is told to Prometheus, and the dashboards that ask for it."""
