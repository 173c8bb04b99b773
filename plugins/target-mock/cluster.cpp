#include "cluster.hpp"

#include "cluster_json.hpp"

#include <deployer/unit_name.hpp>

#include <algorithm>
#include <utility>

namespace deployer::mock {
namespace {

std::string_view name_of(const Record& record) {
    return record.simulated.unit.name;
}

template <class Records>
auto place_of(Records& records, std::string_view name) {
    return std::lower_bound(records.begin(), records.end(), name, [](const auto& record, std::string_view wanted) {
        return numeric_less(name_of(*record), wanted);
    });
}

}  // namespace

const SimulatedUnit* Cluster::find(std::string_view name) const {
    const auto place = place_of(records_, name);
    return place != records_.end() && name_of(**place) == name ? &(*place)->simulated : nullptr;
}

void Cluster::put(SimulatedUnit unit) {
    auto text = write_unit(unit);
    auto record = std::make_shared<const Record>(Record{std::move(unit), std::move(text)});
    const auto place = place_of(records_, name_of(*record));
    if (place != records_.end() && name_of(**place) == name_of(*record)) {
        *place = std::move(record);
    } else {
        records_.insert(place, std::move(record));
    }
}

bool Cluster::erase(std::string_view name) {
    const auto place = place_of(records_, name);
    if (place == records_.end() || name_of(**place) != name) return false;
    records_.erase(place);
    return true;
}

}  // namespace deployer::mock
