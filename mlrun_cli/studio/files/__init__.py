"""Files of runs: how they are shown, listed, compared and sent."""
