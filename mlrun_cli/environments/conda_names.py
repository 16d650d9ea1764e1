"""The PyPI names of conda packages."""

from __future__ import annotations

from packaging.utils import canonicalize_name

# The conda name, then the PyPI name.
_RENAMED = """
antlr-python-runtime antlr4-python3-runtime
astropy-base astropy
black-jupyter black
brotli-python brotli
dask-core dask
faiss faiss-cpu
ipython_genutils ipython-genutils
jupyter_client jupyter-client
jupyter_core jupyter-core
keras-gpu keras
matplotlib-base matplotlib
msgpack-python msgpack
numpy-base numpy
opencv opencv-python
pillow-simd pillow
pyg torch-geometric
pytables tables
python-blosc blosc
python-duckdb duckdb
python-flatbuffers flatbuffers
python-graphviz graphviz
python-kaleido kaleido
python-lmdb lmdb
python-xxhash xxhash
pytorch torch
pytorch-cpu torch
pytorch-gpu torch
pytorch_geometric torch-geometric
py-lightgbm lightgbm
py-opencv opencv-python
py-xgboost xgboost
py-xgboost-cpu xgboost
py-xgboost-gpu xgboost
seaborn-base seaborn
snappy-python python-snappy
tensorflow-base tensorflow
tensorflow-eigen tensorflow
tensorflow-gpu tensorflow
tensorflow-mkl tensorflow
torchvision-cpu torchvision
"""

_SAME = """
absl-py accelerate adal aiofiles aiohttp albumentations alembic altair annoy ansi2html anyio
argcomplete arrow asgiref astor astropy asttokens attrs autopep8 azure-ai-ml azure-common azure-core
azure-identity azure-keyvault-secrets azure-storage-blob azure-storage-file-datalake babel bcrypt
beautifulsoup4 biopython black bleach bokeh boto3 botocore bottle bottleneck brotli bs4 build
cachetools captum cartopy catboost category_encoders certifi cffi chardet charset-normalizer click
cloudpickle cmake cmdstanpy colorama colorlog conllu contextlib2 coverage cryptography cupy cvxopt
cvxpy cycler cython cytoolz dacite dask dask-ml databricks-cli datasets datashader deap debugpy
decorator defusedxml deprecated dill distributed django docker docopt docutils dtreeviz duckdb
einops emcee entrypoints evaluate fairlearn faiss-cpu faker fastai fastapi fastparquet fastprogress
feather-format featuretools filelock fiona flake8 flask flask-cors folium fonttools fsspec funcy
future fuzzywuzzy gast gcsfs gdown gensim geopandas geopy gitpython gluonts google-pasta greenlet
grpcio grpcio-tools gunicorn gym gymnasium h2o h5py hdbscan hmmlearn holidays holoviews horovod
html5lib httpx huggingface_hub hydra-core hyperopt hypothesis idna imagehash imageio imageio-ffmpeg
imbalanced-learn imgaug implicit importlib-metadata importlib-resources inflection iniconfig
interpret ipdb ipykernel ipython ipywidgets isodate isort itsdangerous jax jaxlib jedi jinja2
jmespath joblib json5 jsonlines jsonpickle jsonschema jupyter jupyterlab keras keras-applications
keras-preprocessing keras-tuner kiwisolver kornia langdetect lark lazy_loader librosa lifelines
lightfm lightgbm lightning lime llvmlite lmfit lxml lz4 mako markdown markupsafe marshmallow
matplotlib matplotlib-inline mlflow mlxtend mmh3 mock modin more-itertools mpi4py mpmath msal
msgpack multidict multiprocess mypy nbconvert nbformat ndg-httpsclient netcdf4 networkx nibabel
nilearn ninja nltk nose notebook numba numcodecs numexpr numpy numpydoc oauthlib omegaconf onnx
onnxruntime opencv-python opencv-python-headless openpyxl opt_einsum optuna ordered-set orjson
packaging pandas pandas-profiling panel papermill paramiko parso partd pathlib2 pathspec patsy peft
pendulum pep8 pexpect pickleshare pika pillow plotly plotnine pmdarima polars portalocker prefect
pretty_errors prettytable prometheus_client prompt_toolkit prophet protobuf psutil psycopg2
psycopg2-binary py4j pyarrow pyasn1 pycocotools pycodestyle pycparser pycryptodome pydantic pydicom
pydot pyflakes pygments pyjwt pylint pymc pymc3 pymongo pymssql pymysql pynvml pyod pyodbc pyopenssl
pyparsing pyproj pyro-ppl pyspark pystan pytesseract pytest pytest-cov pytest-mock pytest-xdist
python-dateutil python-docx python-dotenv python-json-logger python-levenshtein python-multipart
python-slugify python-snappy python-utils pytorch-lightning pytorch-metric-learning pytz pywavelets
pyyaml pyzmq qtconsole rasterio ray rdkit regex requests requests-oauthlib responses retrying rich
rouge-score rpy2 rsa rtree ruamel.yaml ruff s3fs sacrebleu sacremoses safetensors salib scikit-image
scikit-learn scikit-learn-extra scikit-optimize scikit-plot scipy seaborn seldon-core send2trash
sentence-transformers sentencepiece seqeval setuptools sh shap shapely simpleitk simplejson six
sklearn-pandas slicer smart_open smmap snowflake-connector-python sortedcontainers soupsieve spacy
sphinx sqlalchemy sqlparse stable-baselines3 starlette statsforecast statsmodels streamlit sympy
tables tabulate tblib tenacity tensorboard tensorboardx tensorflow tensorflow-addons
tensorflow-datasets tensorflow-estimator tensorflow-hub tensorflow-probability tensorflow-text
termcolor terminado textblob textdistance tf-keras theano thinc thop threadpoolctl tifffile timm
tinycss2 tokenizers toml tomli toolz torch torch-geometric torchaudio torchmetrics torchsummary
torchtext torchvision tornado tqdm traitlets transformers treelib tsfresh typer typing-extensions
typing_extensions tzdata tzlocal ujson umap-learn unidecode uri-template urllib3 uvicorn vaex
validators virtualenv visdom waitress wandb watchdog wcwidth webencodings websocket-client
websockets werkzeug wheel widgetsnbextension wordcloud wrapt xarray xgboost xlrd xlsxwriter xlwt
yapf yarl yellowbrick zarr zict zipp zstandard
"""

# Programs and libraries that wheels bring along, or that a machine has by other means.
_NOT_PYTHON = """
_libgcc_mutex _openmp_mutex binutils blas blosc boost bzip2 c-compiler ca-certificates cairo
compilers cpuonly cuda cuda-toolkit cuda-version cudatoolkit cudatoolkit-dev cudnn curl cxx-compiler
eigen expat ffmpeg fftw flatbuffers fontconfig fortran-compiler freetype gcc gcc_linux-64 gdal-bin
geos gfortran gfortran_linux-64 git git-lfs glib go graphviz gxx gxx_linux-64 hdf5 icu intel-openmp
jpeg ld_impl_linux-64 libblas libcblas libffi libgcc libgcc-devel_linux-64 libgcc-ng libgfortran
libgfortran-ng libgomp libiconv liblapack libpng libsndfile libspatialindex libstdcxx-ng libtiff
libuuid libxml2 libxslt llvm-openmp lmdb lz4-c make mkl mkl-service mkl_fft mkl_random mpi mpich
nccl ncurses nodejs nomkl nvcc_linux-64 openblas openjdk openmp openmpi openssl pandoc pkg-config
poppler proj protobuf-compiler python_abi pytorch-cuda pytorch-mutex readline rust snappy sox sqlite
sysroot_linux-64 tar tesseract tk unixodbc unzip vc vs2015_runtime wget xxhash xz yaml yaml-cpp
zeromq zip zlib zstd
"""


_PYPI_NAMES = {canonicalize_name(name): name.replace("_", "-") for name in _SAME.split()} | {
    canonicalize_name(conda): pypi for conda, pypi in (line.split() for line in _RENAMED.strip().splitlines())
}
_LEFT_OUT = frozenset(map(canonicalize_name, _NOT_PYTHON.split()))


def find_pypi_name(conda_name: str) -> str | None:
    """Return the PyPI name of a conda package, or None if it is unknown."""
    return _PYPI_NAMES.get(canonicalize_name(conda_name))


def is_non_python_package(conda_name: str) -> bool:
    """Return whether a conda package is known not to be a Python package, such as a compiler or a C library."""
    return canonicalize_name(conda_name) in _LEFT_OUT
