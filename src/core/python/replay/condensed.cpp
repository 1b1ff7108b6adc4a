#include "python/replay/condensed.h"

#include <algorithm>
#include <cstring>

#include "program/expression.h"

namespace pb::replay {

namespace {

std::vector<Array> arrays_of(std::span<PyObject* const> inputs) {
    std::vector<Array> all;
    for (PyObject* o : inputs) all.push_back(Tensor(o).array());
    return all;
}

// While somebody notes, everything is computed at the call, and nothing is small enough for ways of its own.
struct Noting {
    explicit Noting(WorkLog& log) : before(deferral) {
        deferral = {true, 1};
        work_log = &log;
    }
    ~Noting() {
        deferral = before;
        work_log = nullptr;
    }
    Noting(const Noting&) = delete;
    Deferral before;
};

}  // namespace

bool Condensed::Result::is_same(const char* memory, PyObject* tensor) const {
    const Array a = Tensor(tensor).array();
    return std::memcmp(memory, a.data(), a.bytes()) == 0;
}

std::unique_ptr<Condensed> Condensed::of(const Program& program, std::span<PyObject* const> inputs,
                                         std::string& why) {
    WorkLog log;
    for (const Array& a : arrays_of(inputs)) log.add_input(a);
    Slots slots(program.slots(inputs.size()), inputs);
    bool ran = true;
    std::vector<size_t> ends;
    {
        const Noting noting(log);
        Stop stop;
        for (size_t i = 0; ran && i < program.size(); ++i) {
            ran = program.run_steps(slots.all, i, i + 1, stop);
            ends.push_back(log.work.size());
        }
    }
    if (!ran) {
        if (PyErr_Occurred()) PyErr_Clear();
        why = "it stops";
        return nullptr;
    }
    std::unique_ptr<Condensed> made(new Condensed(program));
    made->ends_ = std::move(ends);
    std::vector<Spot> places;
    for (int32_t slot : program.results()) {
        if (slot < static_cast<int32_t>(inputs.size())) continue;
        PyObject* o = slots.all[static_cast<size_t>(slot)];
        if (!is_exact_tensor(o)) {
            log.spoil("it gives back something else than tensors");
            break;
        }
        const Tensor t(o);
        if (t.requires_grad()) log.spoil("what it gives back may be differentiated");
        if (t->flags & kIsView) log.spoil("it gives back a view");
        if (!t.layout().is_dense()) log.spoil("it gives back something with gaps");
        const Array a = t.array();
        places.push_back(log.place_of(a));
        for (size_t k = 0; k + 1 < places.size(); ++k)
            if (places[k].memory == places.back().memory)
                log.spoil("two things that it gives back share memory");
        made->results_.push_back({slot, t.layout_ref(), t.dtype()});
    }
    if (log.spoiled()) {
        why = log.spoiled();
        return nullptr;
    }
    for (const Spot& p : places)
        if (log.memories[static_cast<size_t>(p.memory)].kind != WorkLog::Memory::Made) {
            why = "it gives back memory of what it is given";
            return nullptr;
        }
    made->script_ = std::make_unique<Script>(log, places);
    if (made->verified(inputs, slots.all)) return made;
    why = "it does not give the same again";
    return nullptr;
}

// From memory in which every float is NaN, it has to give what the operators gave.
bool Condensed::verified(std::span<PyObject* const> inputs, std::span<PyObject* const> slots) {
    script_->spoil_memory();
    if (script_->run(arrays_of(inputs)) < script_->size()) return false;
    for (size_t i = 0; i < results_.size(); ++i)
        if (!results_[i].is_same(script_->result(i), slots[static_cast<size_t>(results_[i].slot)]))
            return false;
    return true;
}

PyObject* Condensed::run(std::span<PyObject* const> inputs, size_t& step) {
    if (const size_t end = script_->run(arrays_of(inputs)); end < script_->size()) {
        step = static_cast<size_t>(std::upper_bound(ends_.begin(), ends_.end(), end) - ends_.begin());
        return nullptr;
    }
    Slots slots(program_.slots(inputs.size()), inputs);
    for (size_t i = 0; i < results_.size(); ++i) {
        const Result& r = results_[i];
        Tensor t = Tensor::fresh(r.dtype, r.layout);
        std::memcpy(t.data(), script_->result(i), static_cast<size_t>(t.numel()) * item_size(r.dtype));
        slots.all[static_cast<size_t>(r.slot)] = t.release();
    }
    return program_.result(slots.all);
}

}  // namespace pb::replay
