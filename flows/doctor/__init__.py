"""What `callwright doctor` looks at, by subject: each check is a function from a Patient to a Verdict."""
