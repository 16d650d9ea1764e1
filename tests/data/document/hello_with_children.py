from azureml.core import Run

run = Run.get_context()

for number, child in enumerate(run.create_children(count=5)):
    child.log(name="Hello from child run", value=number)
    child.complete()
print("Hello from", len(list(run.get_children())), "children!")
