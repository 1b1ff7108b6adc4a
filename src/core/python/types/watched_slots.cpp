// The slots of the tensor type while somebody watches (bind/watch.h): each entry of a table has what it is called, the
// function of Python's `operator` that does the same, and where the type keeps its pointer.
#include <cstddef>

#include <array>

#include "python/bind/watch.h"

namespace pb {

namespace {

enum class Form : uint8_t { Unary, Binary, Power, Compare, Item, SetItem, Truth };
struct Entry {
    const char* name;      // of the operator
    const char* function;  // of `operator`, or of `builtins`
    Form form;
    size_t offset;  // into the heap type
};

#define NUMBER(slot) offsetof(PyHeapTypeObject, as_number.nb_##slot)
constexpr Entry kEntries[] = {
    {"add", "add", Form::Binary, NUMBER(add)},
    {"add_", "iadd", Form::Binary, NUMBER(inplace_add)},
    {"sub", "sub", Form::Binary, NUMBER(subtract)},
    {"sub_", "isub", Form::Binary, NUMBER(inplace_subtract)},
    {"mul", "mul", Form::Binary, NUMBER(multiply)},
    {"mul_", "imul", Form::Binary, NUMBER(inplace_multiply)},
    {"div", "truediv", Form::Binary, NUMBER(true_divide)},
    {"div_", "itruediv", Form::Binary, NUMBER(inplace_true_divide)},
    {"floor_divide", "floordiv", Form::Binary, NUMBER(floor_divide)},
    {"floor_divide_", "ifloordiv", Form::Binary, NUMBER(inplace_floor_divide)},
    {"remainder", "mod", Form::Binary, NUMBER(remainder)},
    {"remainder_", "imod", Form::Binary, NUMBER(inplace_remainder)},
    {"pow", "pow", Form::Power, NUMBER(power)},
    {"pow_", "ipow", Form::Power, NUMBER(inplace_power)},
    {"matmul", "matmul", Form::Binary, NUMBER(matrix_multiply)},
    {"bitwise_and", "and_", Form::Binary, NUMBER(and)},
    {"bitwise_and_", "iand", Form::Binary, NUMBER(inplace_and)},
    {"bitwise_or", "or_", Form::Binary, NUMBER(or)},
    {"bitwise_or_", "ior", Form::Binary, NUMBER(inplace_or)},
    {"bitwise_xor", "xor", Form::Binary, NUMBER(xor)},
    {"bitwise_xor_", "ixor", Form::Binary, NUMBER(inplace_xor)},
    {"bitwise_left_shift", "lshift", Form::Binary, NUMBER(lshift)},
    {"bitwise_left_shift_", "ilshift", Form::Binary, NUMBER(inplace_lshift)},
    {"bitwise_right_shift", "rshift", Form::Binary, NUMBER(rshift)},
    {"bitwise_right_shift_", "irshift", Form::Binary, NUMBER(inplace_rshift)},
    {"neg", "neg", Form::Unary, NUMBER(negative)},
    {"positive", "pos", Form::Unary, NUMBER(positive)},
    {"abs", "abs", Form::Unary, NUMBER(absolute)},
    {"bitwise_not", "invert", Form::Unary, NUMBER(invert)},
    {"__bool__", "truth", Form::Truth, NUMBER(bool)},
    {"__float__", "float", Form::Unary, NUMBER(float)},
    {"__int__", "int", Form::Unary, NUMBER(int)},
    {"__index__", "index", Form::Unary, NUMBER(index)},
    {"compare", "", Form::Compare, offsetof(PyHeapTypeObject, ht_type.tp_richcompare)},
    {"__getitem__", "getitem", Form::Item, offsetof(PyHeapTypeObject, as_mapping.mp_subscript)},
    {"__setitem__", "setitem", Form::SetItem, offsetof(PyHeapTypeObject, as_mapping.mp_ass_subscript)},
};
#undef NUMBER
constexpr size_t kCount = std::size(kEntries);

struct Slot {
    void* plain = nullptr;  // what the tensor type had
    PyObject* function = nullptr;
};
std::array<Slot, kCount> slots;
const char* const kComparisons[] = {"lt", "le", "eq", "ne", "gt", "ge"};
PyObject* comparisons[6];

template <class F> F plain(size_t i) { return reinterpret_cast<F>(slots[i].plain); }

template <size_t I> PyObject* watched_unary(PyObject* a) {
    return watch(kEntries[I].name, slots[I].function, &a, 1, nullptr, [&] { return plain<unaryfunc>(I)(a); });
}
template <size_t I> PyObject* watched_binary(PyObject* a, PyObject* b) {
    PyObject* args[] = {a, b};
    return watch(kEntries[I].name, slots[I].function, args, 2, nullptr,
                 [&] { return plain<binaryfunc>(I)(a, b); });
}
template <size_t I> PyObject* watched_power(PyObject* a, PyObject* b, PyObject* modulus) {
    PyObject* args[] = {a, b};
    if (modulus != Py_None) return plain<ternaryfunc>(I)(a, b, modulus);
    return watch(kEntries[I].name, slots[I].function, args, 2, nullptr,
                 [&] { return plain<ternaryfunc>(I)(a, b, modulus); });
}
template <size_t I> PyObject* watched_compare(PyObject* a, PyObject* b, int op) {
    PyObject* args[] = {a, b};
    return watch(kComparisons[op], comparisons[op], args, 2, nullptr,
                 [&] { return plain<richcmpfunc>(I)(a, b, op); });
}
template <size_t I> int watched_truth(PyObject* a) {
    PyObject* result = watch(kEntries[I].name, slots[I].function, &a, 1, nullptr, [&]() -> PyObject* {
        int truth = plain<inquiry>(I)(a);
        return truth < 0 ? nullptr : PyBool_FromLong(truth);
    });
    if (!result) return -1;
    int truth = result == Py_True;
    Py_DECREF(result);
    return truth;
}
template <size_t I> int watched_set_item(PyObject* self, PyObject* index, PyObject* value) {
    if (!value) return plain<objobjargproc>(I)(self, index, value);
    PyObject* args[] = {self, index, value};
    PyObject* result = watch(kEntries[I].name, slots[I].function, args, 3, nullptr, [&]() -> PyObject* {
        return plain<objobjargproc>(I)(self, index, value) < 0 ? nullptr : none();
    });
    Py_XDECREF(result);
    return result ? 0 : -1;
}

template <size_t I> void* watched_form() {
    constexpr Form form = kEntries[I].form;
    if constexpr (form == Form::Unary) return reinterpret_cast<void*>(watched_unary<I>);
    else if constexpr (form == Form::Power) return reinterpret_cast<void*>(watched_power<I>);
    else if constexpr (form == Form::Compare) return reinterpret_cast<void*>(watched_compare<I>);
    else if constexpr (form == Form::Truth) return reinterpret_cast<void*>(watched_truth<I>);
    else if constexpr (form == Form::SetItem) return reinterpret_cast<void*>(watched_set_item<I>);
    else return reinterpret_cast<void*>(watched_binary<I>);
}
template <size_t... I> constexpr auto all_watched(std::index_sequence<I...>) {
    return std::array<void* (*)(), sizeof...(I)>{watched_form<I>...};
}
const auto watched_forms = all_watched(std::make_index_sequence<kCount>());

void*& pointer(PyTypeObject* type, size_t offset) {
    return *reinterpret_cast<void**>(reinterpret_cast<char*>(type) + offset);
}

PyObject* named(const char* module, const char* name) {
    Owned home(checked(PyImport_ImportModule(module)));
    return checked(PyObject_GetAttrString(home.o, name));
}

void remember() {
    if (slots[0].function) return;
    for (size_t i = 0; i < kCount; ++i) {
        const Entry& e = kEntries[i];
        slots[i].plain = pointer(tensor_type, e.offset);
        const bool builtin =
            e.name[0] == '_' && (e.form == Form::Unary) && std::string_view(e.function) != "index";
        if (*e.function) slots[i].function = named(builtin ? "builtins" : "operator", e.function);
    }
    for (size_t k = 0; k < 6; ++k) comparisons[k] = named("operator", kComparisons[k]);
}

void exchange(PyTypeObject* type, bool on) {
    if (PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE))
        for (size_t i = 0; i < kCount; ++i) {
            void*& at = pointer(type, kEntries[i].offset);
            void* seen = watched_forms[i]();
            if (at == (on ? slots[i].plain : seen)) at = on ? seen : slots[i].plain;
        }
    Owned below(PyObject_CallMethod(reinterpret_cast<PyObject*>(type), "__subclasses__", nullptr));
    if (!below.o) return PyErr_Clear();
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(below.o); ++i)
        exchange(reinterpret_cast<PyTypeObject*>(PyList_GET_ITEM(below.o, i)), on);
}

}  // namespace

void watch_slots(bool on) {
    remember();
    exchange(tensor_type, on);
}

}  // namespace pb
