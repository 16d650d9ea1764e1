"""What to do instead of a web service."""

INSTEAD = (
    "Serve the model with a server of your own, such as FastAPI or 'mlflow models serve': Model.get_model_path and "
    "model.download find its files"
)
