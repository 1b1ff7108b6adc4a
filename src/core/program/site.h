// Site: the line of the user's program that is running, for errors that come later.
//
// Kept as a code object and an instruction offset, because most are never asked about. The floors up to this one know
// nothing of Python: what can be done with a site is installed by python/.
#pragma once
#include <string>

namespace pb {

struct Site {
    void* code = nullptr;  // owned
    int instruction = 0;   // byte offset
};

struct Sites {
    Site (*here)();
    void (*forget)(Site&);
    std::string (*describe)(const Site&);  // "model.py, line 12", or ""
};
extern Sites sites;

}  // namespace pb
