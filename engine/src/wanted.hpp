#pragma once

#include "content.hpp"
#include "manifest.hpp"

#include <deployer/call.hpp>
#include <deployer/revision.hpp>
#include <deployer/source.hpp>

#include <set>
#include <span>
#include <string>
#include <vector>

namespace deployer {

/// One unit that the source declares.
struct WantedUnit {
    std::string name;
    SharedContent content;
    DesiredState desired_state = DesiredState::launched;
};

/// The wanted state, at one revision.
struct WantedState {
    Revision revision;
    std::vector<WantedUnit> units;              ///< each name once, in numeric order of names; none of a held service
    std::set<std::string> sequential_services;  ///< service names with `sequentialDeployment` on any of their entries
    std::vector<Held> held;                     ///< by service name, one for each reason
    std::vector<std::string> warnings;
};

/// What to ask the source for: one request a definition, in order.
std::vector<FileRequest> file_requests(const Manifest& manifest);

/// Manifest and service files (one for each of file_requests()) to units: version put in (R12), parsed (R13), instances
/// expanded (R14). What is wrong with a file holds its service (R17); `unavailable` from an absolute uri's host does so
/// too, from anywhere else it is thrown, as `cancelled` is. Pure. A unit that two entries give (`foo@.service` and
/// `foo@1.service`) is the last one's, with a warning.
WantedState expand(const Manifest& manifest, std::span<const File> files, const Revision& revision);

/// The whole way from a checkout to the wanted state. Throws Error as the source and read_manifest() do, and whatever
/// kind the source gave for services.yaml itself.
WantedState read_wanted(Checkout& checkout, const Call& call);

}  // namespace deployer
