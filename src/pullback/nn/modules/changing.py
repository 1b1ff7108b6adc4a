"""What is done to a whole tree of modules: dtypes, modes, gradients. All that replaces values goes through `_apply`."""

from ... import _core
from ...autograd import no_grad
from ...autograd.leaves import zero_gradient
from ...device import check_device
from ...operators.creation import empty


class Changed:
    """A module changes itself and all below."""

    def apply(self, fn):
        """Call `fn` with every module below this one, and with this one; for example to initialise. Returns self.

        Example:
            >>> net = pb.nn.Sequential(pb.nn.ReLU(), pb.nn.Tanh())
            >>> _ = net.apply(lambda module: print(type(module).__name__))
            ReLU
            Tanh
            Sequential
        """
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def _apply(self, fn, recurse=True):
        """Replace the data of all parameters, their gradients, and all buffers by what `fn` gives for them."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        for name, parameter in self._parameters.items():
            if parameter is None:
                continue
            with no_grad():
                changed = fn(parameter)
                if changed is not parameter:
                    parameter.data = changed.detach()
                gradient = parameter.grad
                if gradient is not None:
                    parameter.grad = None
                    parameter.grad = fn(gradient).detach().requires_grad_(gradient.requires_grad)
            self._parameters[name] = parameter
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self, *args, **kwargs):
        """Convert parameters and buffers: `to(device)`, `to(dtype)`, `to(tensor)`; floating ones take a `dtype`.
        `to(memory_format=pb.channels_last)` changes the order in memory of those with four dimensions or five, for which
        there is `pb.channels_last_3d`.

        Returns self. Raises TypeError for a dtype that is not floating, RuntimeError for another device than the CPU, and
        where a parameter has five dimensions, and the order is for four, or the other way round.

        Example:
            >>> pb.nn.Linear(1, 1).to(pb.float64).weight.dtype
            pullback.float64
        """
        dtype = kwargs.pop("dtype", None)
        for each in args:
            if isinstance(each, _core.dtype):
                dtype = each
            elif isinstance(each, _core.Tensor):
                dtype = each.dtype
            elif not isinstance(each, bool):
                empty(0).to(each)
        if kwargs.get("device") is not None:
            empty(0).to(kwargs["device"])
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
            )
        order = kwargs.get("memory_format")
        if dtype is None and order is None:
            return self

        def converted(t):
            wanted = dtype if t.is_floating_point() or t.is_complex() else None
            return t.to(wanted, memory_format=order if t.ndim in (4, 5) else None)

        return self._apply(converted)

    def _floats(self, dtype):
        return self._apply(lambda t: t.to(dtype) if t.is_floating_point() else t)

    def type(self, dst_type):
        """Convert all parameters and buffers to a dtype. Returns self.

        Example:
            >>> pb.nn.Linear(1, 1).type(pb.float64).weight.dtype
            pullback.float64
        """
        return self._apply(lambda t: t.type(dst_type))

    def float(self):
        """Convert floating parameters and buffers to float32. Returns self.

        Example:
            >>> pb.nn.Linear(1, 1, dtype=pb.float64).float().weight.dtype
            pullback.float32
        """
        return self._floats(_core.float32)

    def double(self):
        """Convert floating parameters and buffers to float64. Returns self.

        Example:
            >>> pb.nn.Linear(1, 1).double().weight.dtype
            pullback.float64
        """
        return self._floats(_core.float64)

    def half(self):
        """Convert floating parameters and buffers to float16. Returns self.

        Example:
            >>> pb.nn.Linear(1, 1).half().weight.dtype
            pullback.float16
        """
        return self._floats(_core.float16)

    def bfloat16(self):
        """Convert floating parameters and buffers to bfloat16. Returns self.

        Example:
            >>> pb.nn.Linear(1, 1).bfloat16().weight.dtype
            pullback.bfloat16
        """
        return self._floats(_core.bfloat16)

    def cpu(self):
        """Everything is in main memory: returns self.

        Example:
            >>> pb.nn.ReLU().cpu()
            ReLU()
        """
        return self

    def cuda(self, device=None):
        """Raises AssertionError, as PyTorch does without CUDA: pullback computes on the CPU.

        Example:
            >>> pb.nn.Linear(1, 1).cuda()
            Traceback (most recent call last):
                ...
            AssertionError: Torch not compiled with CUDA enabled. pullback computes on the CPU.
        """
        check_device("cuda")

    def xpu(self, device=None):
        """Raises AssertionError, as `cuda` does.

        Example:
            >>> pb.nn.Linear(1, 1).xpu()
            Traceback (most recent call last):
                ...
            AssertionError: Torch not compiled with XPU enabled. pullback computes on the CPU.
        """
        raise AssertionError("Torch not compiled with XPU enabled. pullback computes on the CPU.")

    def mtia(self, device=None):
        """Raises AssertionError, as `cuda` does.

        Example:
            >>> pb.nn.Linear(1, 1).mtia()
            Traceback (most recent call last):
                ...
            AssertionError: Torch not compiled with MTIA enabled. pullback computes on the CPU.
        """
        raise AssertionError("Torch not compiled with MTIA enabled. pullback computes on the CPU.")

    def ipu(self, device=None):
        """Raises RuntimeError, as PyTorch does without such a device.

        Example:
            >>> pb.nn.Linear(1, 1).ipu()
            Traceback (most recent call last):
                ...
            RuntimeError: PyTorch is not linked with support for ipu devices. pullback computes on the CPU.
        """
        raise RuntimeError(
            "PyTorch is not linked with support for ipu devices. pullback computes on the CPU."
        )

    def to_empty(self, *, device, recurse=True):
        """Parameters and buffers of the same shapes with any values. Returns self.

        Example:
            >>> pb.nn.Linear(2, 3).to_empty(device="cpu").weight.shape
            pullback.Size([3, 2])
        """
        return self._apply(lambda t: t.new_empty(t.shape), recurse=recurse)

    def share_memory(self):
        """Raises NotImplementedError: tensors are not shared between processes.

        Example:
            >>> pb.nn.Linear(1, 1).share_memory()
            Traceback (most recent call last):
                ...
            NotImplementedError: Tensors are not shared between processes.
        """
        raise NotImplementedError("Tensors are not shared between processes.")

    def train(self, mode=True):
        """Whether this module and all below are training, which dropout and batch norm ask. Returns self.

        Raises ValueError for what is no bool.

        Example:
            >>> pb.nn.Dropout().eval().training
            False
        """
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self):
        """train(False): the mode in which a trained network is used. Returns self.

        Example:
            >>> net = pb.nn.Sequential(pb.nn.Dropout()).eval()
            >>> net(pb.ones(3))
            tensor([1., 1., 1.])
        """
        return self.train(False)

    def requires_grad_(self, requires_grad=True):
        """Whether parameters get gradients: freeze a part of a network with False. Returns self.

        Example:
            >>> layer = pb.nn.Linear(1, 1).requires_grad_(False)
            >>> layer.weight.requires_grad
            False
        """
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none=True):
        """Forget the gradients of all parameters, or make them zeros.

        Example:
            >>> layer = pb.nn.Linear(2, 1)
            >>> layer(pb.ones(3, 2)).sum().backward()
            >>> layer.bias.grad
            tensor([3.])
            >>> layer.zero_grad()
            >>> layer.bias.grad is None
            True
        """
        for parameter in self.parameters():
            if parameter.grad is None:
                continue
            if set_to_none:
                parameter.grad = None
            else:
                zero_gradient(parameter)

    def compile(self, *args, **kwargs):
        """Nothing: large elementwise work is fused as it runs. `pb.compile(module)` gives a module whose calls are replayed.

        Example:
            >>> layer = pb.nn.ReLU()
            >>> layer.compile()
            >>> layer(pb.tensor([-1.0, 2.0]))
            tensor([0., 2.])
        """
