"""Trains a make-believe classifier, and logs each kind of thing that can be logged."""

import argparse
import csv
import json
import math
import random
import struct
import sys
import zlib
from pathlib import Path

from azureml.core import Run

CLASSES = ["plane", "car", "bird", "cat", "deer"]

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.05)
parser.add_argument("--epochs", type=int, default=24)
parser.add_argument("--augment", action="store_true")
arguments = parser.parse_args()
chance = random.Random(7)
run = Run.get_context()


def png(path: Path, width: int, height: int, phase: float) -> None:
    """Write a picture of waves."""

    def piece(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    def pixel(x: int, y: int) -> bytes:
        wave = math.sin(x / 9 + phase) * math.cos(y / 7 - phase)
        return bytes((int(110 + 90 * wave), int(120 + 60 * math.sin(phase + y / 12)), int(170 - 60 * wave)))

    rows = b"".join(b"\0" + b"".join(pixel(x, y) for x in range(width)) for y in range(height))
    head = piece(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + piece(b"IDAT", zlib.compress(rows)) + piece(b"IEND", b""))


def document(kind: str, **data: object) -> dict[str, object]:
    """A document as Azure's log functions take it."""
    return {"schema_type": kind, "schema_version": "1.0.0", "data": data}


print(f"learning rate {arguments.lr}, {arguments.epochs} epochs, augmentation {'on' if arguments.augment else 'off'}")
for epoch in range(arguments.epochs):
    done = 1 - math.exp(-5 * (epoch + 1) / arguments.epochs)
    loss = 2.3 * (1 - done) + 0.18 + chance.gauss(0, 0.03)
    accuracy = 0.2 + 0.72 * done + chance.gauss(0, 0.01)
    run.log("loss", loss, step=epoch)
    run.log("val_loss", loss * 1.08 + 0.05, step=epoch)
    run.log("accuracy", accuracy, step=epoch)
    for part in range(1, 21):
        sys.stdout.write(f"\repoch {epoch + 1:2d} |{'█' * part:<20}| {part * 5:3d} %")
    print(f"  loss {loss:.3f}  \x1b[32maccuracy {accuracy:.3f}\x1b[0m")
    if epoch == 11:
        print("\x1b[33mwarning:\x1b[0m the validation loss has not improved for 3 epochs")
    if epoch % 6 == 0:
        png(Path("samples.png"), 96, 64, epoch / 3)
        run.log_image("samples", path="samples.png")
png(Path("attention.png"), 200, 120, 4.0)
run.log_image("attention", path="attention.png", description="Where the network looks.")
run.log("best epoch", arguments.epochs - 2)
run.log("optimizer", "sgd, momentum 0.9")
run.log_list("layer sizes", [64, 128, 256, 512])
run.log_row("per class", **{name: round(0.8 + 0.15 * chance.random(), 3) for name in CLASSES})
run.log_table("learning rates", {"epoch": [0, 8, 16], "lr": [arguments.lr, arguments.lr / 10, arguments.lr / 100]})
matrix = [[170 + chance.randrange(25) if a == b else chance.randrange(14) for a in range(5)] for b in range(5)]
run.log_confusion_matrix("confusion", document("confusion_matrix", class_labels=CLASSES, matrix=matrix))
run.log_residuals("residuals", document("residuals", bin_edges=[-2, -1, 0, 1, 2], bin_counts=[9, 88, 92, 14]))
run.tag("quality", "fantastic run")
run.tag("dataset", "cifar-5")
run.tag("worth another look")
run.add_properties({"author": "ada", "reviewed-by": "grace"})
run.display_name = "baseline, small learning rate"
run.description = (
    "## Baseline\nThe run that all others are *compared* with.\n\n"
    "- same data as in [the paper](https://example.org/paper)\n- learning rate divided by ten at epochs 8 and 16\n\n"
    "| epoch | lr |\n|---|---|\n| 0 | 0.05 |\n| 8 | 0.005 |\n\n`--augment` made it **2 %** better."
)
outputs = Path("outputs")
(outputs / "model").mkdir(parents=True)
(outputs / "model" / "weights.bin").write_bytes(bytes(range(256)) * 64)
(outputs / "model" / "config.json").write_text(json.dumps({"layers": [64, 128, 256], "classes": CLASSES}, indent=2))
(outputs / "report.html").write_text("<h1>Report</h1><script>alert('not here')</script>")
png(outputs / "curve.png", 240, 120, 1.0)
with (outputs / "predictions.csv").open("w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["image", "truth", "prediction", "certainty"])
    for number in range(60):
        writer.writerow([f"{number:05}.png", *chance.choices(CLASSES, k=2), round(chance.random(), 3)])
print("done")
