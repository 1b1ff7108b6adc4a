"""Distances between points, of orders 1 and 2, and the two sums over differences that their derivatives are made of.

With differences d = a - b of the point i of A, the point j of B, and the coordinate k, a distance is the sum of the terms
t(d) = |d|, or the root of the sum of t(d) = d * d. The slope s(d) is sign(d), which is constant, or d, whose own slope is 1. So
all orders of the derivatives are these sums, and products of matrices.
"""

from ..operators.stated import decomposition, plus


def straight(order):
    """Whether the slope of a term has none."""
    return order == 1


def over(x, D, order):
    """What comes from a sum of terms to its root: nothing where that is 0."""
    return x if straight(order) else (x / D).where(D != 0, 0)


def pulled(to_weights, y, w, order):
    """What comes to weights and to the points A and B, where all of y[i, k] w[i, j] s(d) are added."""
    if straight(order):
        return to_weights, None, None
    return to_weights, lambda: y * w.sum(-1, keepdim=True), lambda: -(w.mT @ y)


@decomposition("A B; order -> D", node="CdistBackward0")
class distances:
    """D[i, j] is the distance between the points A[i] and B[j]."""

    def pullback(A, B, D, dD, order):
        w = over(dD, D, order)
        return lambda: slopes_across_points(w, A, B, order), lambda: slopes_across_points(w.mT, B, A, order)

    def pushforward(A, B, D, dA, dB, order):
        from_a = None if dA is None else slopes_along_points(dA, A, B, order)
        from_b = None if dB is None else slopes_along_points(dB, B, A, order).mT
        return over(plus(from_a, from_b), D, order)


@decomposition("Y A B; order -> S", node="CdistPushforward0")
class slopes_along_points:
    """S[i, j] is the sum over k of Y[i, k] s(d)."""

    def pullback(Y, A, B, dS, order):
        return pulled(lambda: slopes_across_points(dS, A, B, order), Y, dS, order)

    def pushforward(Y, A, B, dY, dA, dB, order):
        found = None if dY is None else slopes_along_points(dY, A, B, order)
        if dA is not None and not straight(order):
            found = plus(found, (Y * dA) @ B.new_ones(B.shape).mT)
        if dB is not None and not straight(order):
            found = plus(found, -(Y @ dB.mT))
        return found


@decomposition("W A B; order -> R", node="CdistBackwardBackward0")
class slopes_across_points:
    """R[i, k] is the sum over j of W[i, j] s(d)."""

    def pullback(W, A, B, dR, order):
        return pulled(lambda: slopes_along_points(dR, A, B, order), dR, W, order)

    def pushforward(W, A, B, dW, dA, dB, order):
        found = None if dW is None else slopes_across_points(dW, A, B, order)
        if dA is not None and not straight(order):
            found = plus(found, W.sum(-1, keepdim=True) * dA)
        if dB is not None and not straight(order):
            found = plus(found, -(W @ dB))
        return found
