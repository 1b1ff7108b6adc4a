"""Adaptive softmax: over very many classes, frequent ones first, rare ones in clusters of smaller dimension."""

from collections import namedtuple

from ...operators.declare import FUNCTIONS
from .. import functional as F
from .container import ModuleList, Sequential
from .linear import Linear
from .module import Module

__all__ = ["AdaptiveLogSoftmaxWithLoss"]

_ASMoutput = namedtuple("_ASMoutput", ["output", "loss"])


class AdaptiveLogSoftmaxWithLoss(Module):
    """Logarithms of probabilities of very many classes, and the loss of targets: classes in order of frequency, the most
    frequent ones first (arXiv:1609.04309).

    `cutoffs` are where clusters begin: classes below the first are in the head, with one entry more for each cluster. The i-th
    cluster is reached through in_features / div_value ** (i + 1) dimensions.

    Called with inputs [N, in_features] and targets [N], or of one sample without N, it gives a pair: `output`, the logarithm
    of the target's probability for each sample, and `loss`, the mean of their negatives.

    Raises:
        ValueError: cutoffs that do not increase between 1 and n_classes - 1, or none.
        RuntimeError: targets of other shapes, or out of range.

    Example:
        >>> layer = pb.nn.AdaptiveLogSoftmaxWithLoss(8, 20, cutoffs=[5, 10])
        >>> output, loss = layer(pb.randn(3, 8), pb.tensor([0, 7, 19]))
        >>> output.shape, layer.log_prob(pb.randn(3, 8)).exp().sum(1)
        (pullback.Size([3]), tensor([1.0000, 1.0000, 1.0000], grad_fn=<SumBackward1>))
    """

    def __init__(
        self, in_features, n_classes, cutoffs, div_value=4.0, head_bias=False, device=None, dtype=None
    ):
        super().__init__()
        cutoffs = list(cutoffs)
        if len(cutoffs) == 0:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        fine = all(int(c) == c for c in cutoffs) and cutoffs == sorted(set(cutoffs))
        if not fine or min(cutoffs) <= 0 or max(cutoffs) > n_classes - 1:
            raise ValueError(
                "cutoffs should be a sequence of unique, positive integers sorted in an increasing order, where each value is "
                "between 1 and n_classes-1"
            )
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        made = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, bias=head_bias, **made)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            inner = int(in_features // (div_value ** (i + 1)))
            size = self.cutoffs[i + 1] - self.cutoffs[i]
            self.tail.append(
                Sequential(
                    Linear(in_features, inner, bias=False, **made), Linear(inner, size, bias=False, **made)
                )
            )

    def reset_parameters(self):
        """First values, drawn again.

        Example:
            >>> pb.nn.AdaptiveLogSoftmaxWithLoss(4, 6, [2]).reset_parameters()
        """
        self.head.reset_parameters()
        for first, second in self.tail:
            first.reset_parameters()
            second.reset_parameters()

    def forward(self, input_, target_):
        """(output, loss) of inputs and targets."""
        if target_.ndim == 1:
            if input_.shape[0] != target_.shape[0]:
                raise RuntimeError(
                    "Input and target should have the same size in the batch dimension. They have "
                    f"{input_.shape[0]} and {target_.shape[0]}."
                )
            if input_.ndim != 2:
                raise RuntimeError(
                    f"1D target tensor expects 2D input tensors, but found inputs with size {input_.size()}"
                )
        elif target_.ndim == 0:
            if input_.ndim != 1:
                raise RuntimeError(
                    f"0D target tensor expects 1D input tensors, but found inputs with size {input_.size()}"
                )
        else:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
        alone = target_.ndim == 0
        inputs, targets = (input_[None], target_[None]) if alone else (input_, target_)
        if targets.numel() and not 0 <= int(targets.min()) <= int(targets.max()) < self.n_classes:
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range [{int(targets.min())}, "
                f"{int(targets.max())}] were found. "
            )
        chosen = targets.clone()  # in the head: the class, or the entry of its cluster
        within = []
        for i in range(self.n_clusters):
            low, high = self.cutoffs[i], self.cutoffs[i + 1]
            rows = ((targets >= low) & (targets < high)).nonzero().squeeze(1)
            if rows.numel():
                chosen = chosen.index_fill(0, rows, self.shortlist_size + i)
                part = F.log_softmax(self.tail[i](inputs.index_select(0, rows)), dim=1)
                within.append(
                    (rows, part.gather(1, (targets.index_select(0, rows) - low)[:, None]).squeeze(1))
                )
        output = F.log_softmax(self.head(inputs), dim=1).gather(1, chosen[:, None]).squeeze(1)
        for rows, part in within:
            output = output.index_add(0, rows, part)
        loss = (-output).mean()
        return _ASMoutput(output.squeeze(0) if alone else output, loss)

    def log_prob(self, input):
        """The logarithms of all classes' probabilities, [N, n_classes], of inputs [N, in_features].

        Example:
            >>> pb.nn.AdaptiveLogSoftmaxWithLoss(4, 6, [2]).log_prob(pb.zeros(1, 4)).shape
            pullback.Size([1, 6])
        """
        return self._full(input, self.head(input))

    def _full(self, input, head):
        first = F.log_softmax(head, dim=1)
        parts = [first[:, : self.shortlist_size]]
        for i, tail in enumerate(self.tail):
            parts.append(F.log_softmax(tail(input), dim=1) + first[:, self.shortlist_size + i, None])
        return FUNCTIONS["cat"](parts, 1)

    def predict(self, input):
        """The most probable class of each of inputs [N, in_features].

        Example:
            >>> pb.nn.AdaptiveLogSoftmaxWithLoss(4, 6, [2]).predict(pb.zeros(3, 4)).shape
            pullback.Size([3])
        """
        head = self.head(input)
        best = head.argmax(1)
        rows = (best >= self.shortlist_size).nonzero().squeeze(1)
        if rows.numel():  # only there a class of a cluster may win
            full = self._full(input.index_select(0, rows), head.index_select(0, rows))
            best = best.index_copy(0, rows, full.argmax(1))
        return best
