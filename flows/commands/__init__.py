"""The commands of callwright, a file each."""
