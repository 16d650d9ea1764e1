import sys

print("argv:", sys.argv)
