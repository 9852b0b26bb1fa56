"""What can go wrong on the ground floor, and who must act.

RetrievalError                 base; the operator must act unless said otherwise
├── ModelMissing               the embedding model is not installed; the message names the command that installs it
├── ModelMismatch              the index was made by another embedding model: re-index, or switch the model back
├── GpuMissing                 a vector index on the GPU is set, and FAISS sees none: set another kind
├── IndexDamaged               a file of the index cannot be read: delete the index folder, it is rebuilt
├── LabelledDataWrong          a file of tools, queries or cards is missing or has a wrong line; the message names it
├── ChatUnavailable            a language model is wanted and does not answer; the message says which, and why
│   └── AnswerUnusable        it answers, but not in the form that was asked for: whoever asked can do without
└── PlotsMissing               matplotlib is not installed; the message names the command that installs it
"""


class RetrievalError(Exception):
    """Base of every error that this floor raises on purpose."""


class ModelMissing(RetrievalError):
    """The embedding model, or the library that runs it, is not installed."""


class ModelMismatch(RetrievalError):
    """Vectors of another model, or of another dimension, than the index holds."""


class GpuMissing(RetrievalError):
    """FAISS sees no GPU, or is built without what a kind of index needs."""


class IndexDamaged(RetrievalError):
    """A stored file does not hold what its manifest says."""


class LabelledDataWrong(RetrievalError):
    """Data to measure with is not there, or a line of it is not what it should be."""


class PlotsMissing(RetrievalError):
    """The library that draws is not installed."""


class ChatUnavailable(RetrievalError):
    """No endpoint of a language model is set, or it does not answer."""


class AnswerUnusable(ChatUnavailable):
    """What a language model answers, after all attempts, is not in the form that was asked for."""
