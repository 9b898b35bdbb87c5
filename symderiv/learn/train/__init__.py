"""Training with derived gradients: `sd.train`."""

from __future__ import annotations

from .data import Data, load_data, split
from .run import Trained, load_model, train
from .script import training_script

__all__ = ["Data", "Trained", "load_data", "load_model", "split", "train", "training_script"]
