import argparse

from azureml.core import Run

parser = argparse.ArgumentParser()
parser.add_argument("--fruit")
fruit = parser.parse_args().fruit


def root_run(self: Run) -> Run:
    if self.parent is None:
        return self
    return root_run(self.parent)


child_run = Run.get_context()
print(fruit, "below", child_run.parent.id)
root_run(child_run).log("MyMetric", f"Data from child run {child_run.id}")
