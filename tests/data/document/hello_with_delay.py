import time

print("Wait, wait …")
time.sleep(600)
print("… and hello!")
