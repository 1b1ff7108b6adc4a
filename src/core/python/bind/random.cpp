// Random numbers: operators/random.py, and the Generator type.
#include <cstring>

#include "array/limits.h"
#include "ops/random/random.h"
#include "python/bind/options.h"
#include "tensor/mapped.h"

namespace pb {

namespace {

using compute::Distribution;

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

// A generator that is not left to the default.
struct GivenGenerator {
    Generator& own;
};

}  // namespace

template <> struct Reading<GivenGenerator> : Plain<GivenGenerator> {
    static constexpr Wants wants = {"Generator"};
    Reading(const Args& a, size_t i) : Plain{{checked_at(a, a.at(i))}} {}
    static Generator& checked_at(const Args& a, size_t i) {
        if (!PyObject_TypeCheck(a.raw(i), generator_type)) a.fail_type(i, "pullback.Generator");
        return of(a.raw(i));
    }
};
template <> struct Reading<Generator> {
    static constexpr Wants wants = {"Generator", true};
    static constexpr size_t width = 1;
    Generator& value;
    Reading(const Args& a, size_t i)
        : value(a.given(a.at(i)) ? Reading<GivenGenerator>(a, i).value.own : default_generator()) {
        if (__builtin_expect(modes.map_level != 0, 0)) refuse_draw();
    }
    Generator& get() const { return value; }
};

namespace {

PyObject* generator_seed(const GivenGenerator& g) { return PyLong_FromUnsignedLongLong(g.own.seed()); }

void generator_reseed(const GivenGenerator& g, const Argument& given) {
    Owned number(checked(PyNumber_Long(given.object())));
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
    g.own.reseed(seed);
}

Tensor generator_state(const GivenGenerator& g) {
    Generator::State s = g.own.state();
    Tensor t = ops::empty(DType::UInt8, Dims{static_cast<int64_t>(sizeof s)});
    std::memcpy(t.data(), &s, sizeof s);
    return t;
}

PyObject* generator_set_state(const GivenGenerator& g, const Argument& state) {
    if (!state.is_tensor())
        fail_as(ErrorKind::Type,
                "expected a torch.ByteTensor, but got {}: a state is a tensor of dtype pullback.uint8",
                Py_TYPE(state.object())->tp_name);
    const Tensor t = state.tensor();
    if (t.dtype() != DType::UInt8)
        fail_as(ErrorKind::Type,
                "RNG state must be a torch.ByteTensor, that is, a tensor of dtype pullback.uint8");
    if (!t.layout().is_contiguous()) fail("RNG state must be contiguous");
    const Array from = t.array();
    Generator::State s{};
    if (from.numel() != static_cast<int64_t>(sizeof s))
        fail("Expected a CPUGeneratorImplState of size {} but found the input RNG state size to be {}",
             sizeof s, from.numel());
    std::memcpy(&s, from.data(), sizeof s - 8);  // without the single spare, whose flag may be no bool
    if (!g.own.set_state(s))
        fail("Invalid mt19937 state. These bytes are not what `get_state` of a generator gives.");
    return none();
}

PyObject* entropy_seed() { return PyLong_FromUnsignedLongLong(entropy()); }

// ---- draws of given sizes ----

Tensor rand(const Dims& size, Generator& g, const Options& o) {
    const Distribution d{Distribution::Uniform, 0, 1};
    return o.finish(ops::drawn(o.dtype.value_or(default_dtype), Layout::contiguous(size), d, g));
}
Tensor randn(const Dims& size, Generator& g, const Options& o) {
    const Distribution d{Distribution::Normal, 0, 1};
    return o.finish(ops::drawn(o.dtype.value_or(default_dtype), Layout::contiguous(size), d, g));
}

Tensor randint(const Dims& size, Generator& g, const Options& o, int64_t low, int64_t high) {
    DType d = o.dtype.value_or(DType::Int64);
    Ref<Layout> l = Layout::contiguous(size);
    return o.finish(ops::drawn(d, std::move(l), ops::integers_between(low, high, d), g));
}

Tensor randperm(int64_t n, Generator& g, const Options& o) {
    return o.finish(ops::permutation(n, o.dtype.value_or(DType::Int64), g));
}

// ---- draws of the shape of another ----

Ref<Layout> room_like(const Tensor& x, const MemoryFormat& format) {
    check_open(x);
    return format.of(x);
}

Tensor rand_like(const Tensor& x, Generator& g, const Options& o, MemoryFormat format) {
    const Distribution d{Distribution::Uniform, 0, 1};
    return o.finish(ops::drawn(o.dtype.value_or(x.dtype()), room_like(x, format), d, g));
}
Tensor randn_like(const Tensor& x, Generator& g, const Options& o, MemoryFormat format) {
    const Distribution d{Distribution::Normal, 0, 1};
    return o.finish(ops::drawn(o.dtype.value_or(x.dtype()), room_like(x, format), d, g));
}
Tensor randint_like(const Tensor& x, Generator& g, const Options& o, MemoryFormat format, int64_t low,
                    int64_t high) {
    DType d = o.dtype.value_or(x.dtype());
    return o.finish(ops::drawn(d, room_like(x, format), ops::integers_between(low, high, d), g));
}

// ---- in place ----

void check_deviation(double deviation) {
    if (!(deviation >= 0)) fail("normal expects std >= 0.0, but found std {}", deviation);
}

void uniform_(const Tensor& x, double low, double high, Generator& g) {
    const DType parts = part_of(x.dtype());
    if (!is_float(parts)) fail_unsupported("check_uniform_bounds", x.dtype());
    const double most = largest_float(parts);
    const char* type = dtype_c_name(x.dtype());
    if (!(low >= -most && low <= most)) fail("from is out of bounds for {}", type);
    if (!(high >= -most && high <= most)) fail("to is out of bounds for {}", type);
    if (low > high)
        fail("uniform_ expects to return a [from, to) range, but found from={} > to={}", low, high);
    if (high - low > most)
        fail("uniform_ expects to-from <= std::numeric_limits<{}>::max(), but found to={} and from={}", type,
             high, low);
    ops::overwrite(x, "UniformBackward0", "uniform_", {Distribution::Uniform, low, high}, g);
}

void normal_(const Tensor& x, double mean, double deviation, Generator& g) {
    check_deviation(deviation);
    ops::overwrite(x, "NormalBackward0", "normal_", {Distribution::Normal, mean, deviation}, g);
}

void exponential_(const Tensor& x, double rate, Generator& g) {
    if (!is_float(x.dtype()) && x.numel())
        fail(
            "Exponential distribution is a continuous probability distribution. dtype must be a floating "
            "point but you specified {}",
            dtype_legacy_name(x.dtype()));
    if (!(rate > 0)) fail("exponential_ expects lambda > 0.0, but found lambda={}", rate);
    if (!is_float(x.dtype())) return;  // of nothing
    ops::overwrite(x, "ExponentialBackward0", "exponential_", {Distribution::Exponential, rate}, g);
}

void check_probability(double p) {
    if (!(p >= 0 && p <= 1)) fail("bernoulli_ expects p to be in [0, 1], but got p={}", p);
}

void bernoulli_(const Tensor& x, const Argument& probability, Generator& g) {
    if (probability.is_tensor()) {
        ops::bernoulli_(x, probability.tensor(), g);
    } else {
        double p = probability.number();
        check_probability(p);
        ops::overwrite(x, "BernoulliBackward2", "bernoulli_", {Distribution::Bernoulli, p}, g);
    }
}

void geometric_(const Tensor& x, double p, Generator& g) {
    if (!(p > 0 && p < 1)) fail("geometric_ expects p to be in (0, 1), but got p={}", p);
    ops::overwrite(x, "GeometricBackward0", "geometric_", {Distribution::Geometric, p}, g);
}

void cauchy_(const Tensor& x, double median, double scale, Generator& g) {
    if (!(scale > 0)) fail("cauchy_ expects sigma > 0.0, but found sigma={}", scale);
    if (!is_float(x.dtype()))
        fail(
            "Cauchy distribution is a continuous probability distribution. dtype must be a floating point "
            "but you "
            "specified {}",
            dtype_c_name(x.dtype()));
    ops::overwrite(x, "CauchyBackward0", "cauchy_", {Distribution::Cauchy, median, scale}, g);
}

void log_normal_(const Tensor& x, double mean, double deviation, Generator& g) {
    if (!(deviation > 0)) fail("log_normal_ expects std > 0.0, but found std={}", deviation);
    ops::overwrite(x, "LogNormalBackward0", "log_normal_", {Distribution::LogNormal, mean, deviation}, g);
}

// random_(), random_(to), random_(from, to); and random_(from, None) has no upper bound, so that a `to` that is left out
// is something else than None.
void random_(const Tensor& x, MaybeDim from, const Argument& to, Generator& g) {
    const DType d = x.dtype();
    const bool left_out = to.object() == Py_NotImplemented;
    const MaybeDim high = left_out ? from : to.given() ? MaybeDim(to.integer()) : MaybeDim();
    if (high)
        ops::overwrite(x, left_out ? "RandomBackward1" : "RandomBackward0", "random_",
                       ops::integers_between(left_out ? 0 : from.value_or(0), *high, d), g);
    else if (from) ops::overwrite(x, "RandomBackward0", "random_", ops::integers_from(*from, d), g);
    else ops::overwrite(x, "RandomBackward2", "random_", ops::integers_of(d), g);
}

// ---- out of place ----

Tensor bernoulli(const Tensor& x, std::optional<double> p, Generator& g) {
    return p ? ops::bernoulli(x, *p, g) : ops::bernoulli(x, g);
}

// normal(mean, std) where one of them is a tensor.
Tensor normal_of(const Operand& mean, const Operand& deviation, Generator& g) {
    if (!deviation.tensor) check_deviation(deviation.scalar.to_double());
    if (mean.tensor && is_complex(mean.tensor->dtype())) {
        if (deviation.tensor) ops::check_deviations(*deviation.tensor);
        const Tensor noise = ops::empty(mean.tensor->dtype(), mean.tensor->layout().dims());
        normal_(noise, 0, 1, g);
        return ops::add(ops::mul(noise, deviation), mean);
    }
    return ops::normal(mean, deviation, g);
}

const Binding bindings[] = {
    bind<&rand>("rand"),
    bind<&randn>("randn"),
    bind<&randint>("randint"),
    bind<&randperm>("randperm"),
    bind<&rand_like>("rand_like"),
    bind<&randn_like>("randn_like"),
    bind<&randint_like>("randint_like"),
    bind_in_place<&uniform_>("uniform_"),
    bind_in_place<&normal_>("normal_"),
    bind_in_place<&exponential_>("exponential_"),
    bind_in_place<&geometric_>("geometric_"),
    bind_in_place<&cauchy_>("cauchy_"),
    bind_in_place<&log_normal_>("log_normal_"),
    bind_in_place<&bernoulli_>("bernoulli_"),
    bind_in_place<&random_>("random_"),
    bind<&bernoulli>("bernoulli"),
    bind<&normal_of>("normal_of"),
    bind<&ops::multinomial>("multinomial"),
    bind<&ops::poisson>("poisson"),
    bind<&ops::binomial>("binomial"),
    bind<&ops::drawn_gamma>("_standard_gamma"),
    bind<&ops::drawn_dirichlet>("_sample_dirichlet"),
    bind<&generator_seed>("generator_seed"),
    bind_in_place<&generator_reseed>("generator_reseed"),
    bind<&generator_state>("generator_state"),
    bind<&generator_set_state>("generator_set_state"),
    bind<&entropy_seed>("entropy_seed"),
    bind<&default_generator_object>("default_generator"),
};

}  // namespace

void bind_random(PyObject* module) {
    generator_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)));
    if (PyModule_AddObjectRef(module, "Generator", reinterpret_cast<PyObject*>(generator_type)) < 0)
        throw PythonError();
    add_bindings(bindings);
}

}  // namespace pb
