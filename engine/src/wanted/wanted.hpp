#pragma once

#include "wanted/content.hpp"
#include "wanted/manifest.hpp"

#include <deployer/call.hpp>
#include <deployer/revision.hpp>
#include <deployer/source.hpp>

#include <functional>
#include <map>
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
    std::vector<WantedUnit> units;  ///< each name once, in numeric order of names; none of a held service
    /// Of the services that have any; what one entry of a service asks for counts for the whole service.
    std::map<std::string, RolloutRules, std::less<>> rules;
    std::vector<Held> held;  ///< by service name, one for each reason
    std::vector<std::string> warnings;
};

/// The requests to the source: one for each definition, in order.
std::vector<FileRequest> file_requests(const Manifest& manifest);

/// Manifest and service files (one for each of file_requests()) to units: version put in (R12), or a warning that the
/// file has no place for it, parsed (R13), instances expanded (R14). What is wrong with a file holds its service (R17);
/// `unavailable` from an absolute uri's host does so too, from anywhere else it is thrown, as `cancelled` is. Pure. A
/// unit that two entries give (`foo@.service` and `foo@1.service`) is the last one's, with a warning.
WantedState expand(const Manifest& manifest, std::span<const File> files, const Revision& revision);

/// `foo@.service` for `foo@2.service`; a name without instance as it is.
std::string template_name(const std::string& unit);

/// A digest of each service, by its name. It changes with the contents and desired states of the service's units, and
/// not with the number of its nodes.
std::map<std::string, std::string, std::less<>> group_digests(const WantedState& wanted);

/// The whole way from a checkout to the wanted state. Throws Error as the source and read_manifest() do, and whatever
/// kind the source gave for services.yaml itself.
WantedState read_wanted(Checkout& checkout, const Call& call);

}  // namespace deployer
