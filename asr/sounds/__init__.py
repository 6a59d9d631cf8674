"""What else a channel carries than speech: tones of the network, keys, music."""
