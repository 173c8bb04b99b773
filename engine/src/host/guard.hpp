#pragma once

#include "host/redaction.hpp"
#include "host/watchdog.hpp"

#include <deployer/cache.hpp>
#include <deployer/health.hpp>
#include <deployer/source.hpp>
#include <deployer/target.hpp>

#include <memory>
#include <string>

namespace deployer {

/// The one adapter through which the engine calls plugins (R5, R8). A guarded plugin behaves as the plugin itself, but
/// - whatever it throws arrives as an Error that says what was being done to which unit; what is no Error of ours
///   becomes `internal`, so no plugin exception ends the process;
/// - every call is watched, those without a Call for the grace alone;
/// - what it logs bears its name;
/// - whatever it says is without secrets of unit files (R59).
/// The guard keeps the plugin alive; the watchdog must outlive the guard.
std::shared_ptr<Source> guard(std::shared_ptr<Source> source, std::string plugin, Watchdog& watchdog,
                              Redaction redaction = Redaction());
std::shared_ptr<Target> guard(std::shared_ptr<Target> target, std::string plugin, Watchdog& watchdog,
                              Redaction redaction = Redaction());
std::shared_ptr<Cache> guard(std::shared_ptr<Cache> cache, std::string plugin, Watchdog& watchdog,
                             Redaction redaction = Redaction());
std::shared_ptr<Health> guard(std::shared_ptr<Health> health, std::string plugin, Watchdog& watchdog,
                              Redaction redaction = Redaction());

}  // namespace deployer
