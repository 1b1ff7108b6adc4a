// bind: C++ functions as operators, each one line of a list:
//
//     const Binding bindings[] = {bind<&ops::cumsum>("cumsum"), bind<&ops::tril, &ops::tril_>("tril")};
//
// An operator has one signature, its declaration in Python (src/pullback/operators), which says names, defaults and
// documentation. Arguments are read by the types of the C++ function, one parameter after the other; `Reading<T>` says
// what an argument has to be in order to become a T. `out` is left aside: the Operator sees to it. When an operator is
// declared it compares the number of parameters, and tests/test_declarations.py what they are.
//
// The second function, where there is one, is the in-place form: it writes into its first argument, which is returned.
// A function that takes a `Form` is both. Where one name has several functions, or a parameter several meanings,
// a small function chooses; it takes an `Argument`, which it asks. So nothing reads arguments by their position.
#pragma once
#include <array>
#include <functional>
#include <type_traits>
#include <variant>

#include "python/read/convert.h"

namespace pb {

// What an argument has to be, in a word or in several for several; `optional`: or None.
struct Wants {
    const char* what;
    bool optional = false;
};
struct Binding {
    const char* name;
    OperatorFunction function;
    OperatorFunction in_place;  // or null
    size_t reads;               // so many parameters of the declaration
    const Wants* wants;         // for each parameter of the C++ function, and one without a word
    const char* result;
};
// Makes the functions of a list known by their names, which declarations say.
void add_bindings(const Binding* bindings, size_t n);
template <size_t n> void add_bindings(const Binding (&bindings)[n]) { add_bindings(bindings, n); }
const Binding* find_binding(const char* name);

// ---- what an argument becomes ----

// `wants` tells what is taken, `width` of how many parameters of the declaration; the constructor gets the first of them
// (`out` not counted), and `get` gives what the function is called with.
template <class T> struct Reading;

template <class T> struct Plain {  // read at once, and handed on as it is
    static constexpr size_t width = 1;
    T value;
    const T& get() const { return value; }
};

// A tensor that the caller holds for the time of the call: nothing is counted.
template <class T> class Borrowed {
  public:
    explicit Borrowed(PyObject* o) { new (&held_) T(Tensor::steal(as_tensor(o))); }
    ~Borrowed() {}
    const T& get() const { return held_; }

  private:
    union {
        T held_;
    };
};
template <> struct Reading<Tensor> : Borrowed<Tensor> {
    static constexpr Wants wants = {"Tensor"};
    static constexpr size_t width = 1;
    Reading(const Args& a, size_t i) : Borrowed(a.tensor_object(a.at(i))) {}
};
template <> struct Reading<MaybeTensor> : Borrowed<MaybeTensor> {
    static constexpr Wants wants = {"Tensor", true};
    static constexpr size_t width = 1;
    Reading(const Args& a, size_t i)
        : Borrowed(a.given(a.at(i)) ? a.tensor_object(a.at(i)) : static_cast<PyObject*>(nullptr)) {}
};
template <> struct Reading<Operand> {  // a tensor or a number
    static constexpr Wants wants = {"operand"};
    static constexpr size_t width = 1;
    Tensor hold;
    Operand value;
    Reading(const Args& a, size_t i) : value(a.operand(a.at(i), hold)) {}
    const Operand& get() const { return value; }
};
template <> struct Reading<Tensors> : Plain<Tensors> {
    static constexpr Wants wants = {"Tensors"};
    Reading(const Args& a, size_t i) : Plain{a.tensors(a.at(i))} {}
};
template <> struct Reading<Scalar> : Plain<Scalar> {
    static constexpr Wants wants = {"number"};
    Reading(const Args& a, size_t i) : Plain{a.scalar(a.at(i))} {}
};
template <> struct Reading<double> : Plain<double> {
    static constexpr Wants wants = {"float"};
    Reading(const Args& a, size_t i) : Plain{a.number(a.at(i))} {}
};
template <> struct Reading<int64_t> : Plain<int64_t> {
    static constexpr Wants wants = {"int"};
    Reading(const Args& a, size_t i) : Plain{a.integer(a.at(i))} {}
};
template <> struct Reading<bool> : Plain<bool> {
    static constexpr Wants wants = {"bool"};
    Reading(const Args& a, size_t i) : Plain{a.flag(a.at(i))} {}
};
template <> struct Reading<DType> : Plain<DType> {
    static constexpr Wants wants = {"dtype"};
    Reading(const Args& a, size_t i) : Plain{a.dtype(a.at(i))} {}
};
template <> struct Reading<Dims> : Plain<Dims> {  // an int, or a sequence of ints
    static constexpr Wants wants = {"ints"};
    Reading(const Args& a, size_t i) : Plain{a.dims(a.at(i))} {}
};
template <class T> struct Reading<std::optional<T>> : Plain<std::optional<T>> {
    static constexpr Wants wants = {Reading<T>::wants.what, true};
    Reading(const Args& a, size_t i) : Plain<std::optional<T>>{} {
        if (a.given(a.at(i))) this->value = Reading<T>(a, i).get();
    }
};
template <> struct Reading<DimsOrAll> {
    static constexpr Wants wants = {"ints", true};
    static constexpr size_t width = 1;
    bool given;
    Dims dims;
    Reading(const Args& a, size_t i) : given(a.given(a.at(i))), dims(given ? a.dims(a.at(i)) : Dims{}) {}
    DimsOrAll get() const { return given ? DimsOrAll(dims) : DimsOrAll(); }
};

// Which of some words an argument is; their number where it is none of them.
size_t word_of(const Args& a, size_t i, std::initializer_list<const char*> words);

// An argument whose own type decides what it means.
class Argument {
  public:
    static constexpr Wants wants = {"any"};
    static constexpr size_t width = 1;
    Argument(const Args& a, size_t i) : args_(a), at_(a.at(i)) {}
    const Argument& get() const { return *this; }

    PyObject* object() const { return args_.values[at_]; }
    bool given() const { return args_.given(at_); }
    bool is_tensor() const { return args_.is_tensor(at_); }
    bool is_list() const { return PyTuple_Check(object()) || PyList_Check(object()); }
    bool is_flag() const { return PyBool_Check(object()); }
    bool is_text() const { return PyUnicode_Check(object()); }
    Tensor tensor() const { return args_.tensor(at_); }
    Operand operand(Tensor& hold) const { return args_.operand(at_, hold); }
    Scalar scalar() const { return args_.scalar(at_); }
    double number() const { return args_.number(at_); }
    int64_t integer() const { return args_.integer(at_); }
    bool flag() const { return args_.flag(at_); }
    DType dtype() const { return args_.dtype(at_); }
    Dims dims() const { return args_.dims(at_); }
    const char* text() const { return args_.text(at_); }
    [[noreturn]] void fail_type(const char* expected) const { args_.fail_type(at_, expected); }

  private:
    const Args& args_;
    size_t at_;
};
template <> struct Reading<Argument> : Argument { using Argument::Argument; };

// What the operator was called as, for messages; no argument.
struct CalledAs {
    const char* name;
};
template <> struct Reading<CalledAs> : Plain<CalledAs> {
    static constexpr Wants wants = {""};
    static constexpr size_t width = 0;
    Reading(const Args& a, size_t) : Plain{{a.of.operation}} {}
};

// ---- what a result becomes: a new reference ----

using TensorOrTensors = std::variant<Tensor, Tensors>;

PyObject* wrap_tuple(const Args& a, const Tensors& ts);  // with the names that the declaration gives them
inline PyObject* wrap(const Args&, Tensor t) { return t.release(); }
inline PyObject* wrap(const Args& a, const Tensors& ts) { return wrap_tuple(a, ts); }
inline PyObject* wrap(const Args& a, TensorOrTensors r) {
    return r.index() == 0 ? std::get<0>(r).release() : wrap_tuple(a, std::get<1>(r));
}
inline PyObject* wrap(const Args&, bool v) { return PyBool_FromLong(v); }
inline PyObject* wrap(const Args&, int64_t v) { return checked(PyLong_FromLongLong(v)); }
inline PyObject* wrap(const Args&, DType d) { return Py_NewRef(dtype_object(d)); }
inline PyObject* wrap(const Args&, PyObject* made) { return made; }

template <class R> inline constexpr const char* result_kind = "any";
template <> inline constexpr const char* result_kind<Tensor> = "Tensor";
template <> inline constexpr const char* result_kind<Tensors> = "Tensors";
template <> inline constexpr const char* result_kind<bool> = "bool";
template <> inline constexpr const char* result_kind<int64_t> = "int";
template <> inline constexpr const char* result_kind<DType> = "dtype";

// ---- calling ----

// The arguments of one call are made where they lie, from the first to the last.
template <size_t number, size_t at, class T> struct Numbered : Reading<T> {
    explicit Numbered(const Args& a) : Reading<T>(a, at) {}
};

template <class F> struct Typed;
template <class R, class... P> struct Typed<R (*)(P...)> {
    template <class T> using Read = Reading<std::remove_cvref_t<T>>;
    using Result = std::remove_cvref_t<R>;
    static constexpr size_t reads = (size_t{0} + ... + Read<P>::width);
    static constexpr std::array<Wants, sizeof...(P) + 1> wants = {Read<P>::wants..., Wants{nullptr}};
    static constexpr size_t at(size_t parameter) {  // the number of its first argument
        size_t widths[] = {Read<P>::width..., 0}, sum = 0;
        for (size_t i = 0; i < parameter; ++i) sum += widths[i];
        return sum;
    }

    template <size_t... I> struct All : Numbered<I, at(I), std::remove_cvref_t<P>>... {
        explicit All(const Args& a) : Numbered<I, at(I), std::remove_cvref_t<P>>(a)... {}
        template <class F> decltype(auto) handed_to(F f) {
            return std::invoke(f, static_cast<Numbered<I, at(I), std::remove_cvref_t<P>>&>(*this).get()...);
        }
    };
    template <size_t... I> static All<I...> all_of(std::index_sequence<I...>);
    using Arguments = decltype(all_of(std::index_sequence_for<P...>()));
};
template <class R, class T> struct Typed<R (T::*)() const> : Typed<R (*)(const T&)> {};  // of a tensor

template <auto f> PyObject* call_bound(const Args& a) {
    typename Typed<decltype(f)>::Arguments all(a);
    return wrap(a, all.handed_to(f));
}
template <auto f> PyObject* call_in_place(const Args& a) {
    typename Typed<decltype(f)>::Arguments all(a);
    all.handed_to(f);
    return Py_NewRef(a.values[0]);
}

template <auto f>
constexpr Binding bound(const char* name, OperatorFunction function, OperatorFunction in_place = nullptr) {
    using T = Typed<decltype(f)>;
    return {name, function, in_place, T::reads, T::wants.data(), result_kind<typename T::Result>};
}
template <auto f> constexpr Binding bind(const char* name) { return bound<f>(name, call_bound<f>); }
template <auto f, auto in_place> constexpr Binding bind(const char* name) {
    static_assert(Typed<decltype(f)>::reads == Typed<decltype(in_place)>::reads,
                  "two forms, one declaration");
    return bound<f>(name, call_bound<f>, call_in_place<in_place>);
}
// A function that is told by a `Form` which form it is.
template <auto f> constexpr Binding bind_both(const char* name) {
    return bound<f>(name, call_bound<f>, call_in_place<f>);
}
// One that has this form only: fill_, copy_, random_.
template <auto f> constexpr Binding bind_in_place(const char* name) {
    return bound<f>(name, call_in_place<f>);
}

}  // namespace pb
