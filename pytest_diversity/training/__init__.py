"""Gates on a model while it is trained."""

from pytest_diversity.training.callback import DiversityCallback

__all__ = ["DiversityCallback"]
