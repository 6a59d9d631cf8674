"""What is amiss with a recording's channels, and how one side is taken out of the other."""
