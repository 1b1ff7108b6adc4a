// What signs, comparisons and conversions to Python's numbers do with tensors.
//
// The hot path of the library: `binary` asks for two plain tensors, or one and a Python number, and hands them to
// ops/elementwise/fast.cpp; all else goes to `slow_binary`. One file, so that every slot has `binary` inlined.
#include "ops/elementwise/fast.h"
#include "ops/matrix/products.h"
#include "ops/operators.h"
#include "program/work_log.h"
#include "python/bind/overriding.h"
#include "python/hints.h"
#include "python/read/from_data.h"
#include "python/types/tensor_parts.h"
#include "tensor/mapped.h"

namespace pb {

namespace {

// Raises where a number or a tensor is missing and the cure is known.
void refuse(const Row& row, PyObject* a, PyObject* b, bool inplace);

PyObject* slow_binary(const Row& row, PyObject* a, PyObject* b, bool inplace) {
    if (may_override(a) || may_override(b)) return ask_about_sign(row.name.c_str(), a, b, inplace);
    Tensor hold[2];
    Operand operands[2];
    PyObject* given[2] = {a, b};
    for (int i = 0; i < 2; ++i) {
        if (is_tensor(given[i])) {
            hold[i] = Tensor(given[i]);
            operands[i] = hold[i];
        } else if (is_numpy_array(given[i])) {
            hold[i] = Tensor::make(array_from_numpy(given[i]));
            operands[i] = hold[i];
        } else {
            Scalar s;
            if (!to_number(given[i], &s)) {
                refuse(row, a, b, inplace);
                Py_RETURN_NOTIMPLEMENTED;
            }
            operands[i] = s;
        }
    }
    if (inplace) {
        // A right-hand side that only the interpreter's stack and `hold` refer to is gone after this.
        bool last = PY_VERSION_HEX < 0x030E0000 && hold[1] && Py_REFCNT(b) == 2 && hold[1]->cell->is_unique();
        ops::elementwise_inplace(row, hold[0], operands, 2, last ? &hold[1] : nullptr);
        Py_INCREF(a);
        return a;
    }
    return ops::elementwise(row, operands, 2).release();
}

inline PyObject* binary(const Row* row, PyObject* a, PyObject* b) {
    try {
        if (is_exact_tensor(a)) {
            if (is_exact_tensor(b)) {
                if (Tensor y = ops::fast_binary(*row, as_tensor(a), as_tensor(b))) return y.release();
            } else if (PyFloat_CheckExact(b)) {
                if (Tensor y = ops::fast_scalar(*row, as_tensor(a), PyFloat_AS_DOUBLE(b), false))
                    return y.release();
            } else if (PyLong_CheckExact(b) && is_float(as_tensor(a)->dtype)) {
                double v = PyLong_AsDouble(b);
                if (v == -1 && PyErr_Occurred()) {
                    PyErr_Clear();
                } else if (v > -9e15 && v < 9e15) {
                    if (Tensor y = ops::fast_scalar(*row, as_tensor(a), v, false)) return y.release();
                }
            }
        } else if (is_exact_tensor(b) && PyFloat_CheckExact(a)) {
            if (Tensor y = ops::fast_scalar(*row, as_tensor(b), PyFloat_AS_DOUBLE(a), true))
                return y.release();
        }
        return slow_binary(*row, a, b, false);
    } catch (...) {
        return raise_current();
    }
}

PyObject* inplace(const Row* row, PyObject* a, PyObject* b) {
    try {
        return slow_binary(*row, a, b, true);
    } catch (...) {
        return raise_current();
    }
}

PyObject* unary(const Row* row, PyObject* a, const char* method) {
    try {
        if (may_override(a)) return ask_about_slot(method, &a, 1);
        Tensor t(a);
        return ops::elementwise(*row, {t}).release();
    } catch (...) {
        return raise_current();
    }
}

Row *row_floor_divide, *row_remainder, *row_abs, *row_and, *row_or, *row_xor, *row_not, *row_left, *row_right,
    *row_reciprocal;

// The sign that a row is written with.
const char* symbol_of(const Row& row, bool inplace) {
    const std::pair<const Row*, const char*> symbols[] = {
        {rows.add, "+="},          {rows.sub, "-="},      {rows.mul, "*="},   {rows.div, "/="},
        {row_floor_divide, "//="}, {row_remainder, "%="}, {row_and, "&="},    {row_or, "|="},
        {row_xor, "^="},           {row_left, "<<="},     {row_right, ">>="}, {rows.pow, "**="}};
    static const char* plain[] = {"+", "-", "*", "/", "//", "%", "&", "|", "^", "<<", ">>", "** or pow()"};
    for (size_t i = 0; i < std::size(symbols); ++i)
        if (symbols[i].first == &row) return inplace ? symbols[i].second : plain[i];
    const std::pair<const Row*, const char*> orders[] = {
        {rows.lt, "<"}, {rows.le, "<="}, {rows.gt, ">"}, {rows.ge, ">="}};
    for (auto [order, symbol] : orders)
        if (order == &row) return symbol;
    return nullptr;  // == and != answer False and True
}

[[gnu::cold, gnu::noinline]] void refuse(const Row& row, PyObject* a, PyObject* b, bool inplace) {
    if (const char* symbol = symbol_of(row, inplace)) refuse_operand(symbol, a, b);
}

#define SLOT(name, row)                                                    \
    PyObject* name(PyObject* a, PyObject* b) { return binary(row, a, b); } \
    PyObject* name##_in(PyObject* a, PyObject* b) { return inplace(row, a, b); }
SLOT(add, rows.add)
SLOT(sub, rows.sub)
SLOT(mul, rows.mul)
SLOT(floor_divide, row_floor_divide)
SLOT(remainder, row_remainder)
SLOT(bit_and, row_and)
SLOT(bit_or, row_or)
SLOT(bit_xor, row_xor)
SLOT(left, row_left)
SLOT(right, row_right)
#undef SLOT

// A number over a tensor is that number times a reciprocal, as on PyTorch's tape.
PyObject* divide(PyObject* a, PyObject* b) {
    if (!is_tensor(a) && is_tensor(b) && !is_numpy_array(a)) {
        try {
            if (may_override(a) || may_override(b)) return ask_about_sign("div", a, b);
            Scalar s;
            if (!to_number(a, &s)) {
                refuse_operand("/", a, b);
                Py_RETURN_NOTIMPLEMENTED;
            }
            Tensor t(b);
            Tensor r = ops::elementwise(*row_reciprocal, {t});
            return ops::mul(r, s).release();
        } catch (...) {
            return raise_current();
        }
    }
    return binary(rows.div, a, b);
}
PyObject* divide_in(PyObject* a, PyObject* b) { return inplace(rows.div, a, b); }

PyObject* power(PyObject* a, PyObject* b, PyObject* modulus) {
    if (modulus != Py_None) {
        PyErr_SetString(PyExc_TypeError, "pow() with a modulus is not supported on tensors");
        return nullptr;
    }
    try {
        if (may_override(a) || may_override(b)) return ask_about_sign("pow", a, b);
        if (is_tensor(a) && !is_tensor(b) && is_integral(as_tensor(a)->dtype)) {
            Scalar s;
            if (to_scalar(b, &s) && s.kind == Scalar::Int && s.is_negative())
                fail("Integers to negative integer powers are not allowed.");
        }
    } catch (...) {
        return raise_current();
    }
    return binary(rows.pow, a, b);
}
PyObject* power_in(PyObject* a, PyObject* b, PyObject*) { return inplace(rows.pow, a, b); }

PyObject* negative(PyObject* a) { return unary(rows.neg, a, "neg"); }
PyObject* positive(PyObject* a) {
    if (may_override(a)) return answered([&] { return ask_about_slot("__pos__", &a, 1); });
    if (as_tensor(a)->dtype == DType::Bool) {
        PyErr_SetString(PyExc_RuntimeError, "The `+` operator, on a bool tensor is not supported.");
        return nullptr;
    }
    Py_INCREF(a);
    return a;
}
PyObject* absolute(PyObject* a) { return unary(row_abs, a, "abs"); }
PyObject* invert(PyObject* a) {
    if (!may_override(a) && is_differentiable(as_tensor(a)->dtype)) {
        PyErr_Format(
            PyExc_TypeError,
            "~ (operator.invert) is only implemented on integer and Boolean-type tensors. This one is of "
            "%s: 1 - x turns truth values round that are floats.",
            dtype_name(as_tensor(a)->dtype));
        return nullptr;
    }
    return unary(row_not, a, "__invert__");
}

PyObject* matrix_multiply(PyObject* a, PyObject* b) {
    try {
        if (may_override(a) || may_override(b)) return ask_about_sign("matmul", a, b);
        if (is_tensor(a) && is_tensor(b)) return ops::matmul(Tensor(a), Tensor(b)).release();
        if (!is_numpy_array(a) && !is_numpy_array(b)) {
            refuse_operand("@", a, b);
            Py_RETURN_NOTIMPLEMENTED;
        }
        // An array takes part as in sums: as a tensor, and the two meet in a common dtype.
        auto as_operand = [](PyObject* o) {
            return is_tensor(o) ? Tensor(o) : Tensor::make(array_from_numpy(o));
        };
        Tensor left = as_operand(a), right = as_operand(b);
        DType common = promote(left.dtype(), right.dtype());
        return ops::matmul(ops::to_dtype(left, common), ops::to_dtype(right, common)).release();
    } catch (...) {
        return raise_current();
    }
}

[[noreturn, gnu::cold]] void refuse_truth(const Tensor& t) {
    for (const MappedAxis& axis : t.layout().axes())
        if (!is_open_map(axis.level)) fail_mapped(t.get());
    fail_as(
        ErrorKind::Mapped,
        "vmap: It looks like you're attempting to use a Tensor in some data-dependent control flow. We don't "
        "support that yet. This condition has another value for each entry of the vmap: where(condition, a, "
        "b) "
        "chooses for each.");
}

int truth(PyObject* a) {
    try {
        if (may_override(a)) {
            Owned answer(ask_about_slot("__bool__", &a, 1));
            return PyObject_IsTrue(answer.o);
        }
        Tensor t(a);
        if (t.is_mapped()) refuse_truth(t);
        if (t.numel() != 1)
            fail("Boolean value of Tensor with {} is ambiguous{}",
                 t.numel() ? "more than one value" : "no values", hint("ambiguous", {a}));
        const bool is_true = Scalar::load(t.dtype(), t.data()).to_bool();
        if (__builtin_expect(work_log != nullptr, 0)) work_log->truth(t.array(), is_true);
        return is_true;
    } catch (...) {
        raise_current();
        return -1;
    }
}

void check_one_element(PyObject* a) {
    if (as_tensor(a)->layout->numel() != 1)
        fail_as(ErrorKind::Value, "only one element tensors can be converted to Python scalars{}",
                hint("one_number", {a}));
}

// The element as a Python number that is no complex one.
struct RealItem {
    RealItem(PyObject* a, const char* wanted) : o(item_object(Tensor(a))) {
        if (!PyComplex_Check(o.o)) return;
        const Py_complex z = PyComplex_AsCComplex(o.o);
        if (z.imag != 0)
            fail(
                "value cannot be converted to type {} without overflow. It is complex: .real and .abs() are "
                "not.",
                wanted);
        Py_XDECREF(std::exchange(o.o, checked(PyFloat_FromDouble(z.real))));
    }
    Owned o;
};

PyObject* to_python_float(PyObject* a) {
    try {
        if (may_override(a)) return ask_about_slot("__float__", &a, 1);
        check_one_element(a);
        return PyFloat_FromDouble(PyFloat_AsDouble(RealItem(a, "double").o.o));
    } catch (...) {
        return raise_current();
    }
}
PyObject* to_python_int(PyObject* a) {
    try {
        if (may_override(a)) return ask_about_slot("__int__", &a, 1);
        check_one_element(a);
        return PyNumber_Long(RealItem(a, "int64_t").o.o);
    } catch (...) {
        return raise_current();
    }
}
PyObject* to_index(PyObject* a) {
    try {
        if (may_override(a)) return ask_about_slot("__index__", &a, 1);
        Tensor t(a);
        if (t.numel() != 1 || is_differentiable(t.dtype()))
            fail_as(ErrorKind::Type,
                    "only integer tensors of a single element can be converted to an index{}",
                    hint("index", {a}));
        return PyNumber_Long(Owned(item_object(t)).o);
    } catch (...) {
        return raise_current();
    }
}

PyObject* compare(PyObject* a, PyObject* b, int op) {
    Row* row = op == Py_EQ   ? rows.eq
               : op == Py_NE ? rows.ne
               : op == Py_LT ? rows.lt
               : op == Py_LE ? rows.le
               : op == Py_GT ? rows.gt
                             : rows.ge;
    try {
        return slow_binary(*row, a, b, false);
    } catch (...) {
        return raise_current();
    }
}

#define F(f) reinterpret_cast<void*>(f)
const PyType_Slot slots[] = {
    {Py_tp_richcompare, F(compare)},
    {Py_nb_add, F(add)},
    {Py_nb_inplace_add, F(add_in)},
    {Py_nb_subtract, F(sub)},
    {Py_nb_inplace_subtract, F(sub_in)},
    {Py_nb_multiply, F(mul)},
    {Py_nb_inplace_multiply, F(mul_in)},
    {Py_nb_true_divide, F(divide)},
    {Py_nb_inplace_true_divide, F(divide_in)},
    {Py_nb_floor_divide, F(floor_divide)},
    {Py_nb_inplace_floor_divide, F(floor_divide_in)},
    {Py_nb_remainder, F(remainder)},
    {Py_nb_inplace_remainder, F(remainder_in)},
    {Py_nb_power, F(power)},
    {Py_nb_inplace_power, F(power_in)},
    {Py_nb_matrix_multiply, F(matrix_multiply)},
    {Py_nb_negative, F(negative)},
    {Py_nb_positive, F(positive)},
    {Py_nb_absolute, F(absolute)},
    {Py_nb_invert, F(invert)},
    {Py_nb_and, F(bit_and)},
    {Py_nb_inplace_and, F(bit_and_in)},
    {Py_nb_or, F(bit_or)},
    {Py_nb_inplace_or, F(bit_or_in)},
    {Py_nb_xor, F(bit_xor)},
    {Py_nb_inplace_xor, F(bit_xor_in)},
    {Py_nb_lshift, F(left)},
    {Py_nb_inplace_lshift, F(left_in)},
    {Py_nb_rshift, F(right)},
    {Py_nb_inplace_rshift, F(right_in)},
    {Py_nb_bool, F(truth)},
    {Py_nb_float, F(to_python_float)},
    {Py_nb_int, F(to_python_int)},
    {Py_nb_index, F(to_index)},
};
#undef F

}  // namespace

const std::span<const PyType_Slot> number_slots = slots;

void bind_slot_rows() {
    row_floor_divide = find_row("floor_divide");
    row_remainder = find_row("remainder");
    row_abs = find_row("abs");
    row_and = find_row("bitwise_and");
    row_or = find_row("bitwise_or");
    row_xor = find_row("bitwise_xor");
    row_not = find_row("bitwise_not");
    row_left = find_row("left_shift");
    row_right = find_row("right_shift");
    row_reciprocal = find_row("reciprocal");
}

}  // namespace pb
