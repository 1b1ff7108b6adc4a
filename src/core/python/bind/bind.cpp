#include "python/bind/bind.h"

#include <cstring>
#include <string_view>
#include <unordered_map>

namespace pb {

namespace {
std::unordered_map<std::string_view, const Binding*>& bindings_by_name() {
    static auto* all = new std::unordered_map<std::string_view, const Binding*>(512);
    return *all;
}
}  // namespace

void add_bindings(const Binding* bindings, size_t n) {
    for (size_t i = 0; i < n; ++i) bindings_by_name()[bindings[i].name] = &bindings[i];
}

const Binding* find_binding(const char* name) {
    auto it = bindings_by_name().find(name);
    return it == bindings_by_name().end() ? nullptr : it->second;
}

size_t word_of(const Args& a, size_t i, std::initializer_list<const char*> words) {
    const char* text = a.text(a.at(i));
    size_t found = 0;
    for (const char* word : words) {
        if (!std::strcmp(word, text)) break;
        ++found;
    }
    return found;
}

PyObject* wrap_tuple(const Args& a, const Tensors& ts) {
    if (!a.of.result) return tuple_of(ts);
    auto* type = reinterpret_cast<PyTypeObject*>(a.of.result);
    PyObject* named = checked(PyStructSequence_New(type));
    for (size_t i = 0; i < ts.size(); ++i)
        PyStructSequence_SetItem(named, static_cast<Py_ssize_t>(i), Py_NewRef(ts[i].py()));
    return named;
}

}  // namespace pb
