// Taking over the table of calculus: programs as Python tuples become Programs.
#include "python/bind/table.h"

#include <memory>

#include "ops/elementwise/row.h"
#include "python/bind/operator_object.h"

namespace pb {

void bind_slot_rows();

namespace {

int find_primitive(const char* name) {
    for (int p = 0; p < static_cast<int>(Primitive::count); ++p)
        if (!std::strcmp(primitive_info(static_cast<Primitive>(p)).name, name)) return p;
    return -1;
}

Scalar constant(PyObject* tuple) {
    Scalar s;
    if (PyTuple_GET_SIZE(tuple) != 1 || !to_scalar(PyTuple_GET_ITEM(tuple, 0), &s))
        fail_as(ErrorKind::Type, "a constant of a program is a number in a 1-tuple");
    return s;
}

// Python numbers operands, then y, then instructions; ours has inputs, constants, instructions, and a formula has
// no y among its inputs.
class Reader {
  public:
    Reader(Program& p, int arity, bool has_result) : p_(p), arity_(arity) { p_.inputs = arity + has_result; }

    void read(PyObject* program) {
        PyObject *instructions, *outputs;
        if (!PyArg_ParseTuple(program, "O!O!", &PyTuple_Type, &instructions, &PyTuple_Type, &outputs))
            throw PythonError();
        Py_ssize_t n = PyTuple_GET_SIZE(instructions);
        for (Py_ssize_t i = 0; i < n; ++i) {
            PyObject* ins = PyTuple_GET_ITEM(instructions, i);
            for (Py_ssize_t k = 1; k < PyTuple_GET_SIZE(ins); ++k)
                if (PyTuple_Check(PyTuple_GET_ITEM(ins, k)))
                    p_.constants.push_back(constant(PyTuple_GET_ITEM(ins, k)));
        }
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(outputs); ++i)
            if (PyTuple_Check(PyTuple_GET_ITEM(outputs, i)))
                p_.constants.push_back(constant(PyTuple_GET_ITEM(outputs, i)));
        int next = p_.inputs;
        for (Py_ssize_t i = 0; i < n; ++i) {
            PyObject* ins = PyTuple_GET_ITEM(instructions, i);
            const char* name = PyUnicode_AsUTF8(PyTuple_GET_ITEM(ins, 0));
            int primitive = name ? find_primitive(name) : -1;
            if (primitive < 0)
                fail_as(ErrorKind::Value, "the core has no kernel named '{}'", name ? name : "?");
            Py_ssize_t arity = PyTuple_GET_SIZE(ins) - 1;
            if (arity != primitive_info(static_cast<Primitive>(primitive)).arity)
                fail_as(ErrorKind::Value, "'{}' takes {} operands, not {}", name,
                        primitive_info(static_cast<Primitive>(primitive)).arity, arity);
            Instruction out{static_cast<Primitive>(primitive), static_cast<uint8_t>(arity), {}};
            for (Py_ssize_t k = 0; k < arity; ++k) out.in[k] = value(PyTuple_GET_ITEM(ins, k + 1), &next);
            p_.instructions.push_back(out);
        }
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(outputs); ++i) {
            PyObject* o = PyTuple_GET_ITEM(outputs, i);
            p_.outputs.push_back(o == Py_None ? static_cast<int16_t>(-1) : value(o, &next));
        }
    }

  private:
    int16_t value(PyObject* ref, int* next) {
        if (PyTuple_Check(ref)) return static_cast<int16_t>((*next)++);
        long v = PyLong_AsLong(ref);
        if (v == -1 && PyErr_Occurred()) throw PythonError();
        if (v < 0 || v > arity_ + static_cast<long>(p_.instructions.size()) ||
            (v == arity_ && p_.inputs == arity_))
            fail_as(ErrorKind::Value, "a program reads value {} before it exists", v);
        if (v > arity_) v += p_.first_result() - (arity_ + 1);
        return static_cast<int16_t>(v);
    }
    Program& p_;
    int arity_;
};

Promotion promotion_of(const std::string& name) {
    static const std::pair<const char*, Promotion> all[] = {
        {"arithmetic", Promotion::Arithmetic}, {"float", Promotion::Float},
        {"compare", Promotion::Compare},       {"predicate", Promotion::Predicate},
        {"logical", Promotion::Logical},       {"bitwise", Promotion::Bitwise},
        {"where", Promotion::Where},           {"close", Promotion::Close},
        {"number", Promotion::Number},
    };
    for (auto& p : all)
        if (name == p.first) return p.second;
    fail_as(ErrorKind::Value, "unknown promotion '{}'", name);
}

constexpr const char* refusal_names[kRefusals] = {"bool", "integers", "two bools", "one bool",
                                                  "negative power"};

bool is_boolean(const Row& r, int16_t value) {
    const Program& p = r.partials;
    if (value < p.first_result()) return r.promotion == Promotion::Where && value == 0;
    const Instruction& i = p.instructions[static_cast<size_t>(value - p.first_result())];
    const PrimitiveInfo& info = primitive_info(i.primitive);
    if (info.result == Result::Bool) return true;
    // Logic on masks gives masks.
    bool all = true;
    for (int k = info.condition_first ? 1 : 0; k < i.arity; ++k) all = all && is_boolean(r, i.in[k]);
    return all;
}

}  // namespace

// calculus.series.program(name, order, given)
static void program_of_series(const Row& row, int order, const std::vector<int>& given, Program& made) {
    Owned module(checked(PyImport_ImportModule("pullback.calculus.series")));
    Owned counts(checked(PyTuple_New(static_cast<Py_ssize_t>(given.size()))));
    int inputs = row.arity;
    for (size_t i = 0; i < given.size(); ++i) {
        PyTuple_SET_ITEM(counts.o, static_cast<Py_ssize_t>(i), checked(PyLong_FromLong(given[i])));
        inputs += given[i];
    }
    Owned program(
        checked(PyObject_CallMethod(module.o, "program", "siO", row.name.c_str(), order, counts.o)));
    Reader(made, inputs, true).read(program.o);
}

PyObject* define_row(PyObject*, PyObject* args) {
    const char *name, *promotion, *accepts = "any", *lies = "iterated";
    int arity;
    PyObject *parameters, *forward, *partials, *nodes, *gradients = nullptr, *apart = nullptr;
    PyObject *refuses = nullptr, *fits = nullptr;
    int divides = 0, complex = 0, antilinear = 0;
    const char* shown = nullptr;
    if (!PyArg_ParseTuple(args, "siO!OOsO|sO!O!sO!O!pspp", &name, &arity, &PyTuple_Type, &parameters,
                          &forward, &partials, &promotion, &nodes, &accepts, &PyTuple_Type, &gradients,
                          &PyTuple_Type, &apart, &lies, &PyDict_Type, &refuses, &PyTuple_Type, &fits,
                          &divides, &shown, &complex, &antilinear))
        return nullptr;
    try {
        auto row = std::make_unique<Row>();
        row->name = name;
        row->shown = shown ? shown : name;
        row->arity = arity;
        if (arity < 1 || arity > kMaxOperands)
            fail_as(ErrorKind::Value, "{}: an elementwise function has 1 to {} operands", name, kMaxOperands);
        auto bits = [](PyObject* indices) {
            uint32_t set = 0;
            for (Py_ssize_t i = 0; indices && i < PyTuple_GET_SIZE(indices); ++i)
                set |= 1u << PyLong_AsLong(PyTuple_GET_ITEM(indices, i));
            return set;
        };
        row->parameters = bits(parameters);
        uint32_t gradient = bits(gradients);
        row->apart = bits(apart);
        row->lies = !std::strcmp(lies, "like input")  ? Lies::LikeInput
                    : !std::strcmp(lies, "row-major") ? Lies::RowMajor
                    : !std::strcmp(lies, "again")     ? Lies::Again
                                                      : Lies::Iterated;
        row->promotion = promotion_of(promotion);
        row->accepts = !std::strcmp(accepts, "floats")    ? Accepts::Floats
                       : !std::strcmp(accepts, "numbers") ? Accepts::Numbers
                       : !std::strcmp(accepts, "powers")  ? Accepts::Powers
                                                          : Accepts::Any;
        row->fits = bits(fits);
        row->divides = divides;
        row->complex = complex;
        for (int i = 0; refuses && i < kRefusals; ++i)
            if (PyObject* message = PyDict_GetItemString(refuses, refusal_names[i]))
                row->refusals[i] = PyUnicode_AsUTF8(message);
        if (forward == Py_None) {
            row->primitive = find_primitive(name);
            if (row->primitive < 0)
                fail_as(ErrorKind::Value, "the core has no kernel named '{}': give a formula", name);
            if (primitive_info(static_cast<Primitive>(row->primitive)).arity != arity)
                fail_as(ErrorKind::Value, "'{}' takes {} operands, not {}", name,
                        primitive_info(static_cast<Primitive>(row->primitive)).arity, arity);
            Program& p = row->forward;
            p.inputs = arity;
            Instruction ins{static_cast<Primitive>(row->primitive), static_cast<uint8_t>(arity), {}};
            for (int k = 0; k < arity; ++k) ins.in[k] = static_cast<int16_t>(k);
            p.instructions.push_back(ins);
            p.outputs.push_back(static_cast<int16_t>(arity));
        } else {
            Reader(row->forward, arity, false).read(forward);
        }
        if (partials != Py_None) {
            row->differentiable = true;
            Reader(row->partials, arity, true).read(partials);
            std::vector<int16_t> outputs;
            if (static_cast<int>(row->partials.outputs.size()) != arity)
                fail_as(ErrorKind::Value, "{}: one partial for each operand", name);
            for (int i = 0; i < arity; ++i) {
                int16_t v = row->partials.outputs[static_cast<size_t>(i)];
                Partial& d = row->partial[i];
                if (v < 0) continue;
                if (v >= row->partials.inputs && v < row->partials.first_result()) {
                    d.kind = Partial::Constant;
                    d.constant =
                        row->partials.constants[static_cast<size_t>(v - row->partials.inputs)].to_double();
                    if (antilinear) d.kind = Partial::Conjugate;
                    if (!std::isfinite(d.constant))
                        fail_as(ErrorKind::Value, "{}: a constant partial is finite", name);
                    continue;
                }
                d.kind = is_boolean(*row, v)              ? Partial::Mask
                         : v < arity && gradient >> v & 1 ? Partial::Gradient
                                                          : Partial::Number;
                d.value = v;
                outputs.push_back(v);
            }
            row->partials.outputs = outputs;
        }
        if (PyUnicode_Check(nodes)) {
            for (auto& n : row->node_names) n = PyUnicode_AsUTF8(nodes);
        } else if (PyTuple_Check(nodes)) {
            Py_ssize_t n = PyTuple_GET_SIZE(nodes);
            for (Py_ssize_t i = 0; i < 4; ++i)
                row->node_names[i] = PyUnicode_AsUTF8(PyTuple_GET_ITEM(nodes, i < n ? i : 0));
        }
        if (row->promotion == Promotion::Where) row->forward.boolean = row->partials.boolean = 1;
        // Both forms are made at once, so that a missing kernel is found now and not in a backward pass.
        define_row(std::move(row));
        Py_RETURN_NONE;
    } catch (...) {
        return raise_current();
    }
}

// table_installed(table, symbol, dual)
PyObject* table_installed(PyObject*, PyObject* args) {
    PyObject *table, *symbol, *dual;
    if (!PyArg_ParseTuple(args, "O!O!O!", &PyDict_Type, &table, &PyType_Type, &symbol, &PyType_Type, &dual))
        return nullptr;
    set_calculus(table, symbol, dual);
    make_series = program_of_series;
    bind_core_rows();
    bind_slot_rows();
    Py_RETURN_NONE;
}

}  // namespace pb
