"""The program that sends notifications about an ended run, as a separate process because sending may be slow."""
