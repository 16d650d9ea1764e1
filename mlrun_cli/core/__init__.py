"""What every other part may use: the least that this program is made of."""
