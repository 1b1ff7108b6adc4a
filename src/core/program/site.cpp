#include "program/site.h"

namespace pb {

Sites sites = {[] { return Site(); }, [](Site&) {}, [](const Site&) { return std::string(); }};

}  // namespace pb
