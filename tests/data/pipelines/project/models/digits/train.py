import argparse
import json
import os

from azureml.core import Run

parser = argparse.ArgumentParser()
parser.add_argument("--alpha", type=float, default=1.0)
alpha = parser.parse_args().alpha
Run.get_context().log("alpha", alpha)
os.makedirs("outputs", exist_ok=True)
with open("outputs/model.json", "w") as file:
    json.dump({"alpha": alpha}, file)
