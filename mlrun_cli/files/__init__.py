"""Files that people and runs own: config.json, runconfigs, run folders."""
