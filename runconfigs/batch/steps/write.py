"""Write numbered texts of words."""

import argparse
import os

WORDS = ["a", "run", "is", "one", "execution", "of", "a", "script", "and", "its", "status", "is", "always", "true"]

parser = argparse.ArgumentParser()
parser.add_argument("--texts", type=int, default=40)
parser.add_argument("--out", required=True)
arguments = parser.parse_args()

os.makedirs(arguments.out, exist_ok=True)
for number in range(arguments.texts):
    with open(os.path.join(arguments.out, f"text{number:03d}.txt"), "w", encoding="utf-8") as file:
        file.write(" ".join(WORDS[: 1 + number % len(WORDS)]) + "\n")
print(f"wrote {arguments.texts} texts")
