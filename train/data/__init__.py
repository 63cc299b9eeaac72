"""The images networks are trained and judged on: raw bytes, fixed splits, no downloads."""

from train.data.dataset import Dataset
from train.data.load import DATASETS, load_dataset

__all__ = ["DATASETS", "Dataset", "load_dataset"]
