from pullback import Tensor, _DTypeLike

class SobolEngine:
    MAXBIT: int
    MAXDIM: int
    dimension: int
    scramble: bool
    seed: int | None
    sobolstate: Tensor
    shift: Tensor
    quasi: Tensor
    num_generated: int
    def __init__(self, dimension: int, scramble: bool = ..., seed: int | None = ...) -> None: ...
    def draw(self, n: int = ..., out: Tensor | None = ..., dtype: _DTypeLike | None = ...) -> Tensor: ...
    def draw_base2(self, m: int, out: Tensor | None = ..., dtype: _DTypeLike | None = ...) -> Tensor: ...
    def reset(self) -> SobolEngine: ...
    def fast_forward(self, n: int) -> SobolEngine: ...
