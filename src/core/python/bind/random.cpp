// Random numbers: the C++ halves of operators/random.py, and the Generator type.
#include <cstring>

#include "array/limits.h"
#include "ops/random/overwrite.h"
#include "ops/random/random.h"
#include "python/bind/options.h"

namespace pb {

namespace {

// ---- the Generator type: its methods are attached in Python, over four functions ----

struct GeneratorObject {
    PyObject_HEAD Generator* own;  // or the default generator
};
PyTypeObject* generator_type = nullptr;

Generator& of(PyObject* o) {
    auto* g = reinterpret_cast<GeneratorObject*>(o);
    return g->own ? *g->own : default_generator();
}

PyObject* create(PyTypeObject* type, PyObject* args, PyObject* keywords) {
    static const char* names[] = {"device", nullptr};
    PyObject* device = nullptr;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|O:Generator", const_cast<char**>(names), &device))
        return nullptr;
    try {
        check_device(device);
        auto* g = reinterpret_cast<GeneratorObject*>(checked(type->tp_alloc(type, 0)));
        g->own = new Generator;
        return reinterpret_cast<PyObject*>(g);
    } catch (...) {
        return raise_current();
    }
}

void destroy(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    delete reinterpret_cast<GeneratorObject*>(self)->own;
    type->tp_free(self);
    Py_DECREF(type);
}

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("Generator(device='cpu')\n--\n\n")},  // the text is operators/random.py's
    {Py_tp_new, reinterpret_cast<void*>(create)},
    {Py_tp_dealloc, reinterpret_cast<void*>(destroy)},
    {0, nullptr},
};
PyType_Spec spec = {"pullback.Generator", sizeof(GeneratorObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

PyObject* default_generator_object() {
    auto* g = reinterpret_cast<GeneratorObject*>(checked(generator_type->tp_alloc(generator_type, 0)));
    g->own = nullptr;
    return reinterpret_cast<PyObject*>(g);
}

bool is_generator(PyObject* o) { return o && PyObject_TypeCheck(o, generator_type); }

Generator& generator(const Args& a, size_t i) {
    if (!a.given(i)) return default_generator();
    if (!is_generator(a.raw(i))) a.fail_type(i, "pullback.Generator");
    return of(a.raw(i));
}

Generator& required(const Args& a) {
    if (!is_generator(a.raw(0))) a.fail_type(0, "pullback.Generator");
    return of(a.raw(0));
}

PyObject* generator_seed(const Args& a) { return PyLong_FromUnsignedLongLong(required(a).seed()); }

PyObject* generator_reseed(const Args& a) {
    Owned number(checked(PyNumber_Long(a.raw(1))));
    // Negative seeds count back from 2^64.
    unsigned long long seed = PyLong_AsUnsignedLongLong(number.o);
    if (PyErr_Occurred()) {
        PyErr_Clear();
        long long negative = PyLong_AsLongLong(number.o);
        if (PyErr_Occurred()) {
            PyErr_Clear();
            fail_as(ErrorKind::Value,
                    "Overflow when unpacking long long. A seed lies between -2^63 and 2^64 - 1.");
        }
        seed = static_cast<unsigned long long>(negative);
    }
    required(a).reseed(seed);
    Py_INCREF(a.raw(0));
    return a.raw(0);
}

PyObject* generator_state(const Args& a) {
    Generator::State s = required(a).state();
    Tensor t = ops::empty(DType::UInt8, Dims{static_cast<int64_t>(sizeof s)});
    std::memcpy(t.data(), &s, sizeof s);
    return wrap(t);
}

PyObject* generator_set_state(const Args& a) {
    Generator& g = required(a);
    if (!a.is_tensor(1) || as_tensor(a.raw(1))->dtype != DType::UInt8)
        fail_as(ErrorKind::Type,
                "RNG state must be a torch.ByteTensor, that is, a tensor of dtype pullback.uint8");
    Array from = contiguous_array(a.tensor(1).array());
    Generator::State s;
    if (from.numel() != static_cast<int64_t>(sizeof s))
        fail("Expected a CPUGeneratorImplState of size {} but found the input RNG state size to be {}",
             sizeof s, from.numel());
    std::memcpy(&s, from.data(), sizeof s - 8);  // without the unused flag, whose bytes may be no bool
    if (!g.set_state(s)) fail("RNG state is wrong: these bytes are not the state of a generator");
    return none();
}

PyObject* entropy_seed(const Args&) { return PyLong_FromUnsignedLongLong(entropy()); }
PyObject* make_default(const Args&) { return default_generator_object(); }

// ---- draws of given sizes: (size, generator, out, options) ----

template <class F> PyObject* sized(const Args& a, size_t options, DType fallback, F&& fill) {
    Dims shape = a.dims(0);
    Generator& g = generator(a, 1);
    Options o = read_options(a, options);
    DType d = o.dtype_or(fallback);
    Tensor t = ops::empty(d, shape);
    fill(g, t.array());
    return finish(std::move(t), o);
}
PyObject* rand(const Args& a) {
    return sized(a, 3, default_dtype, [](Generator& g, const Array& x) { ops::fill_uniform(g, x, 0, 1); });
}
PyObject* randn(const Args& a) {
    return sized(a, 3, default_dtype, [](Generator& g, const Array& x) { ops::fill_normal(g, x, 0, 1); });
}

// The range [low, high) checked against what the dtype holds.
void check_range(int64_t low, int64_t high, DType d) {
    if (low >= high) fail("random_ expects 'from' to be less than 'to', but got from={} >= to={}", low, high);
    // Any whole number is near some float.
    auto [least, most] = is_float(d) ? Range{INT64_MIN, INT64_MAX} : integer_range(d);
    if (low < least || low > most) fail("from is out of bounds for {}", dtype_c_name(d));
    if (high - 1 < least || high - 1 > most) fail("to - 1 is out of bounds for {}", dtype_c_name(d));
}
uint64_t width(int64_t low, int64_t high) { return static_cast<uint64_t>(high) - static_cast<uint64_t>(low); }

// (size, generator, options, low, high)
PyObject* randint(const Args& a) {
    int64_t low = a.integer(7), high = a.integer(8);
    return sized(a, 2, DType::Int64, [&](Generator& g, const Array& x) {
        check_range(low, high, x.dtype);
        ops::fill_integers(g, x, low, width(low, high));
    });
}

// (n, generator, out, options)
PyObject* randperm(const Args& a) {
    int64_t n = a.integer(0);
    Generator& g = generator(a, 1);
    Options o = read_options(a, 3);
    DType d = o.dtype_or(DType::Int64);
    Tensor t = ops::empty(d, Dims{n});
    check_fits(Scalar(n), d);
    ops::fill_permutation(g, t.array());
    return finish(std::move(t), o);
}

// Draws of the shape of another: (input, generator, options, memory_format[, low, high]).
template <class F> PyObject* like(const Args& a, F&& fill) {
    Tensor x = a.tensor(0);
    Generator& g = generator(a, 1);
    Options o = read_options(a, 2);
    bool preserve = !a.given(7) || keeps_strides(a.raw(7));
    Tensor t =
        Tensor::make(o.dtype_or(x.dtype()), preserve ? x.layout().packed() : Layout::contiguous(x.shape()));
    fill(g, t.array());
    return finish(std::move(t), o);
}
PyObject* rand_like(const Args& a) {
    return like(a, [](Generator& g, const Array& x) { ops::fill_uniform(g, x, 0, 1); });
}
PyObject* randn_like(const Args& a) {
    return like(a, [](Generator& g, const Array& x) { ops::fill_normal(g, x, 0, 1); });
}
PyObject* randint_like(const Args& a) {
    int64_t low = a.integer(8), high = a.integer(9);
    return like(a, [&](Generator& g, const Array& x) {
        check_range(low, high, x.dtype);
        ops::fill_integers(g, x, low, width(low, high));
    });
}

// ---- in place: (self, parameters ..., generator) ----

PyObject* returned(const Args& a) {
    Py_INCREF(a.raw(0));
    return a.raw(0);
}

void check_deviation(double deviation) {
    if (!(deviation >= 0)) fail("normal expects std >= 0.0, but found std {}", deviation);
}

PyObject* uniform_(const Args& a) {
    Tensor x = a.tensor(0);
    double low = a.number(1), high = a.number(2);
    Generator& g = generator(a, 3);
    double most = visit<Family::Floats>(x.dtype(), "check_uniform_bounds", [](auto zero) {
        return static_cast<double>(std::numeric_limits<decltype(zero)>::max());
    });
    const char* type = dtype_c_name(x.dtype());
    if (!(low >= -most && low <= most)) fail("from is out of bounds for {}", type);
    if (!(high >= -most && high <= most)) fail("to is out of bounds for {}", type);
    if (low > high)
        fail("uniform_ expects to return a [from, to) range, but found from={} > to={}", low, high);
    if (high - low > most)
        fail("uniform_ expects to-from <= std::numeric_limits<{}>::max(), but found to={} and from={}", type,
             high, low);
    ops::overwrite(x, "UniformBackward0", "uniform_",
                   [&](const Array& to) { ops::fill_uniform(g, to, low, high); });
    return returned(a);
}

PyObject* normal_(const Args& a) {
    double mean = a.number(1), deviation = a.number(2);
    Generator& g = generator(a, 3);
    check_deviation(deviation);
    ops::overwrite(a.tensor(0), "NormalBackward0", "normal_",
                   [&](const Array& to) { ops::fill_normal(g, to, mean, deviation); });
    return returned(a);
}

PyObject* exponential_(const Args& a) {
    Tensor x = a.tensor(0);
    double rate = a.number(1);
    Generator& g = generator(a, 2);
    if (!is_float(x.dtype()))
        fail(
            "Exponential distribution is a continuous probability distribution. dtype must be a floating "
            "point but you specified {}",
            dtype_legacy_name(x.dtype()));
    if (!(rate > 0)) fail("exponential_ expects lambda > 0.0, but found lambda={}", rate);
    ops::overwrite(x, "ExponentialBackward0", "exponential_",
                   [&](const Array& to) { ops::fill_exponential(g, to, rate); });
    return returned(a);
}

void check_probability(double p) {
    if (!(p >= 0 && p <= 1)) fail("bernoulli_ expects p to be in [0, 1], but got p={}", p);
}

PyObject* bernoulli_(const Args& a) {
    Tensor x = a.tensor(0);
    Generator& g = generator(a, 2);
    if (a.is_tensor(1)) {
        Tensor p = ops::contiguous(ops::expand(ops::detach(a.tensor(1)), x.shape()));
        ops::overwrite(x, "BernoulliBackward1", "bernoulli_", [&](const Array& to) {
            Array apart = Array::empty(to.dtype, x.shape());
            ops::fill_bernoulli(g, apart, p.array());
            copy_array(apart, to);
        });
    } else {
        double p = a.number(1);
        check_probability(p);
        ops::overwrite(x, "BernoulliBackward2", "bernoulli_",
                       [&](const Array& to) { ops::fill_bernoulli(g, to, p); });
    }
    return returned(a);
}

// random_(), random_(to), random_(from, to)
PyObject* random_(const Args& a) {
    Tensor x = a.tensor(0);
    Generator& g = generator(a, 3);
    bool first = a.given(1), second = a.given(2);
    if (!first && !second) {
        // All the numbers that the dtype holds exactly, from 0 up.
        uint64_t range = visit<Family::All>(x.dtype(), "random_", [](auto zero) -> uint64_t {
            using Limits = std::numeric_limits<decltype(zero)>;
            if constexpr (Limits::is_integer) return static_cast<uint64_t>(Limits::max()) + 1;
            else return (uint64_t{1} << Limits::digits) + 1;
        });
        if (x.dtype() == DType::Bool) range = 2;
        bool narrow = item_size(x.dtype()) < 8;  // one word, although the range may be wide
        ops::overwrite(x, "RandomBackward2", "random_",
                       [&](const Array& to) { ops::fill_integers(g, to, 0, range, narrow); });
        return returned(a);
    }
    int64_t low = second ? (first ? a.integer(1) : 0) : 0, high = a.integer(second ? 2 : 1);
    check_range(low, high, x.dtype());
    ops::overwrite(x, second ? "RandomBackward0" : "RandomBackward1", "random_",
                   [&](const Array& to) { ops::fill_integers(g, to, low, width(low, high)); });
    return returned(a);
}

// ---- out of place ----

// (input, p, generator)
PyObject* bernoulli(const Args& a) {
    Tensor x = a.tensor(0);
    Generator& g = generator(a, 2);
    Ref<Layout> l = x.layout().packed();
    if (!a.given(1)) {
        Tensor p = ops::contiguous(ops::detach(x));
        return wrap(ops::drawn({x}, x.dtype(), l, "BernoulliBackward0", [&](const Array& to) {
            Array apart = Array::empty(to.dtype, x.shape());
            ops::fill_bernoulli(g, apart, p.array());
            copy_array(apart, to);
        }));
    }
    double p = a.number(1);
    check_probability(p);
    return wrap(ops::drawn({x}, x.dtype(), l, "BernoulliBackward2",
                           [&](const Array& to) { ops::fill_bernoulli(g, to, p); }));
}

// normal(mean, std) where one of them is a tensor: (mean, std, generator)
PyObject* normal_of(const Args& a) {
    Generator& g = generator(a, 2);
    Tensor mean = a.is_tensor(0) ? a.tensor(0) : Tensor(),
           deviation = a.is_tensor(1) ? a.tensor(1) : Tensor();
    Operand m = mean ? Operand(mean) : Operand(a.number(0)),
            s = deviation ? Operand(deviation) : Operand(a.number(1));
    Ref<Layout> l = mean && deviation
                        ? Layout::contiguous(broadcast_shapes(mean.layout(), deviation.layout()))
                        : Layout::contiguous((mean ? mean : deviation).shape());
    DType d = (mean ? mean : deviation).dtype();
    if (!deviation) check_deviation(s.scalar.to_double());
    if (deviation && is_float(deviation.dtype())) {
        Array all = contiguous_array(deviation.array());
        for (int64_t i = 0; i < all.numel(); ++i)
            if (Scalar::load(all.dtype, all.data() + i * static_cast<int64_t>(all.item())).to_double() < 0)
                fail("normal expects all elements of std >= 0.0");
    }
    const char* node = !deviation ? "NormalBackward1" : !mean ? "NormalBackward2" : "NormalBackward3";
    Tensors inputs;
    if (mean) inputs.push_back(mean);
    if (deviation) inputs.push_back(deviation);
    return wrap(ops::drawn(inputs, d, l, node, [&](const Array& to) {
        Tensor z = Tensor::make(to);
        ops::fill_normal(g, to, 0, 1);
        Tensor y = ops::add(ops::mul(z, s), m);
        copy_array(y.array(), to);
    }));
}

// (input, num_samples, replacement, generator)
PyObject* multinomial(const Args& a) {
    Tensor x = a.tensor(0);
    int64_t draws = a.integer(1);
    bool replacement = a.flag(2);
    Generator& g = generator(a, 3);
    if (x.ndim() < 1 || x.ndim() > 2) fail("prob_dist must be 1 or 2 dim");
    if (!is_float(x.dtype()))
        fail("multinomial only supports floating-point dtypes for input, got: {}",
             dtype_legacy_name(x.dtype()));
    if (draws <= 0) fail("cannot sample n_sample <= 0 samples");
    int64_t n = x.size(x.ndim() - 1), rows = x.ndim() == 2 ? x.size(0) : 1;
    if (!replacement && draws > n)
        fail(
            "cannot sample n_sample > prob_dist.size(-1) samples without replacement: there are {} "
            "categories and {} draws.",
            n, draws);
    if (n == 0 && rows > 0) fail("cannot sample from a distribution without categories");
    Tensor t = ops::empty(DType::Int64, x.ndim() == 2 ? Dims{rows, draws} : Dims{draws});
    ops::fill_multinomial(g, t.array(), contiguous_array(x.array()), rows, draws, replacement);
    return wrap(t);
}

const OperatorEntry entries[] = {
    {"rand", rand},
    {"randn", randn},
    {"randint", randint},
    {"randperm", randperm},
    {"rand_like", rand_like},
    {"randn_like", randn_like},
    {"randint_like", randint_like},
    {"uniform_", uniform_},
    {"normal_", normal_},
    {"exponential_", exponential_},
    {"bernoulli_", bernoulli_},
    {"random_", random_},
    {"bernoulli", bernoulli},
    {"normal_of", normal_of},
    {"multinomial", multinomial},
    {"generator_seed", generator_seed},
    {"generator_reseed", generator_reseed},
    {"generator_state", generator_state},
    {"generator_set_state", generator_set_state},
    {"entropy_seed", entropy_seed},
    {"default_generator", make_default},
};

}  // namespace

void bind_random(PyObject* module) {
    generator_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)));
    if (PyModule_AddObjectRef(module, "Generator", reinterpret_cast<PyObject*>(generator_type)) < 0)
        throw PythonError();
    register_operators(entries, sizeof entries / sizeof *entries);
}

}  // namespace pb
