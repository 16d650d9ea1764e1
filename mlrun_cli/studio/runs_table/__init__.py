"""Tables of runs: columns, rows, and the filters of a page as its address names them."""
