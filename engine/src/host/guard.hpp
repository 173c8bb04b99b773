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
/// - each exception arrives as an Error that says what was being done to which unit; any exception other than Error
///   becomes `internal`, so no plugin exception ends the process;
/// - the watchdog watches every call; a call without a Call has the watchdog's grace as its only time;
/// - log messages of the plugin have the plugin's name in front;
/// - log messages, errors and details of the plugin have no secrets of unit files in them (R59).
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
