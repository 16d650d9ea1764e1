from azureml.core import Run

run = Run.get_context()
run.log(name="message", value="Hello from script!")
print("Hello from script!")
